import pg from "pg";

const FOREIGN_KEY_VIOLATION = "23503";
const UNIQUE_VIOLATION = "23505";
const CHECK_VIOLATION = "23514";

/** The name of the constraint or index that an insert or update broke; null for any other error. */
export function brokenUniqueness(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION
    ? (error.constraint ?? "")
    : null;
}

/**
 * Whether something that other rows refer to was to be removed, or something refers to a row that is gone; by this
 * constraint, where one is named.
 */
export function brokeReference(error: unknown, constraint?: string): boolean {
  if (!(error instanceof pg.DatabaseError) || error.code !== FOREIGN_KEY_VIOLATION) return false;
  return constraint === undefined || error.constraint === constraint;
}

/** Whether values were to be written that a check of the table forbids. */
export function brokeCheck(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === CHECK_VIOLATION;
}

/** Whether a value is none that the database can store at all, whatever else is written: it says why. Null: it can. */
export function refusedValue(error: unknown): string | null {
  return error instanceof pg.DatabaseError && /^(22|54)/.test(error.code ?? "") ? error.message : null;
}
