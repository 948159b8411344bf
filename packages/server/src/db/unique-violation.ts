import pg from "pg";

const UNIQUE_VIOLATION = "23505";

/** The name of the constraint or index that an insert or update broke; null for any other error. */
export function brokenUniqueness(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION
    ? (error.constraint ?? "")
    : null;
}
