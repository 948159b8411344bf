import { type Db, poolOf } from "./pool.ts";

/** Reads what almost every request needs. */
export interface Prepared<R> {
  /** The rows for these values of the placeholders. */
  read(db: Db, values: readonly unknown[]): Promise<readonly R[]>;
}

/**
 * A statement that PostgreSQL parses and plans once for each connection: with small tables that takes it longer than to
 * answer. The text names its columns, because a plan of `*` would not outlive a column that a newer version adds. Not
 * for transactions, which have a connection of their own.
 */
export function prepare<R extends object>(name: string, text: string): Prepared<R> {
  return {
    async read(db, values) {
      const { rows } = await poolOf(db).query<R>({ name, text, values: [...values] });
      return rows;
    },
  };
}
