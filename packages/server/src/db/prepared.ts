import { type Compilable, CompiledQuery } from "kysely";
import { type Db, findPool } from "./pool.ts";

/** Reads what almost every request needs. */
export interface Prepared<R> {
  /** The rows for these values of the placeholders; in a transaction too, which then plans it as any other statement. */
  read(db: Db, values: readonly unknown[]): Promise<readonly R[]>;
}

/** PostgreSQL's `feature_not_supported`: here always "cached plan must not change result type". */
const PLAN_OUTDATED = "0A000";

/**
 * A statement that PostgreSQL parses and plans once for each connection: with small tables that takes it longer than to
 * answer. `statement` is its text, or makes it, once, with any values. Where it reads all columns of a table, and a newer
 * version added one meanwhile, the plan is refused, and the statement goes as any other.
 */
export function prepare<R extends object>(
  name: string,
  statement: string | ((db: Db) => Compilable<R>),
): Prepared<R> {
  let made: string | null = typeof statement === "string" ? statement : null;
  const textWith = (db: Db): string => {
    made ??= typeof statement === "string" ? statement : statement(db).compile().sql;
    return made;
  };
  return {
    async read(db, values) {
      const text = textWith(db);
      const pool = findPool(db);
      if (pool === null) return (await db.executeQuery<R>(CompiledQuery.raw(text, [...values]))).rows;
      try {
        return (await pool.query<R>({ name, text, values: [...values] })).rows;
      } catch (error) {
        if (!isOutdatedPlan(error)) throw error;
        return (await pool.query<R>({ text, values: [...values] })).rows;
      }
    },
  };
}

function isOutdatedPlan(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === PLAN_OUTDATED;
}
