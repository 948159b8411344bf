import { type SqlBool, sql } from "kysely";

/** Of a row of `members`: it has not expired. For statements that are written out. */
export const IN_FORCE =
  "(members.expires_at is null or members.expires_at > (now() at time zone 'UTC')::date)";

/** The same, as a condition of a query. */
export const IS_IN_FORCE = sql<SqlBool>`${sql.raw(IN_FORCE)}`;
