import { type SqlBool, sql } from "kysely";

/** Of a row of `members`: it has not expired. */
export const IS_IN_FORCE = sql<SqlBool>`(members.expires_at is null or members.expires_at > (now() at time zone 'UTC')::date)`;
