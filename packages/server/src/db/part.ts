import { MAX_COUNTED } from "@heliostat/contract/api/parameters.ts";
import { type RawBuilder, type SqlBool, sql } from "kysely";
import type { Behind, Part, Window } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Db } from "./pool.ts";

/**
 * What a list is sorted by, with the rows' ids to tell equal ones apart. `name` stands in its cursors: one of another
 * order leads nowhere.
 */
export interface SortKey {
  readonly name: string;
  readonly column: RawBuilder<unknown>;
  readonly id: RawBuilder<number>;
  readonly kind: "id" | "text" | "time";
  readonly descending: boolean;
}

/** A row of a part, with what a cursor says of it. */
export interface CursorRow {
  readonly id: number;
  readonly cursor_value: string | null;
}

/** What a query for a part needs: its order, the rows that may come, how many, and what cursors will say. */
export interface PartPlan {
  readonly order: RawBuilder<unknown>;
  /** Null: all. */
  readonly behind: RawBuilder<SqlBool> | null;
  /** One more than wanted: so it shows whether there are more. */
  readonly limit: number;
  readonly offset: number;
  readonly cursorValue: RawBuilder<string | null>;
}

/** Plans the query for a window of a list; `parameter-invalid` for a cursor that is none of this list. */
export function planPart(key: SortKey, window: Window): PartPlan {
  const direction = key.descending ? sql`desc` : sql`asc`;
  const byId = sql`${key.id} ${direction}`;
  return {
    order: key.kind === "id" ? byId : sql`${key.column} ${direction}, ${byId}`,
    behind: isBehind(window) && window.cursor !== null ? rowsBehind(key, window.cursor) : null,
    limit: window.perPage + 1,
    offset: isBehind(window) ? 0 : (window.page - 1) * window.perPage,
    cursorValue: cursorValueOf(key),
  };
}

/** The rows of the part, without the one too many, and what comes after them. `count`: as `countUpTo`. */
export async function takePart<R extends CursorRow>(
  key: SortKey,
  window: Window,
  rows: readonly R[],
  count: () => Promise<number>,
): Promise<Part<R>> {
  const items = rows.slice(0, window.perPage);
  const last = items.at(-1);
  const next = last !== undefined && rows.length > items.length ? writeCursor(key, last) : null;
  if (isBehind(window)) return { items, total: null, next };
  // The last page tells how many there are, without counting.
  const isLast = next === null && (last !== undefined || window.page === 1);
  const total = isLast ? (window.page - 1) * window.perPage + items.length : await count();
  return { items, total: total > MAX_COUNTED ? null : total, next };
}

/** Counts the rows of a query, and stops when there are more than anybody is told of. */
export async function countUpTo(db: Db, rows: RawBuilder<unknown>): Promise<number> {
  const counted = await sql<{ total: number }>`
    select count(*) as total from (${rows} limit ${MAX_COUNTED + 1}) as counted`.execute(db);
  return counted.rows[0]?.total ?? 0;
}

function isBehind(window: Window): window is Behind {
  return "cursor" in window;
}

/** Times as whole microseconds since 1970: JavaScript's have milliseconds, which would leave rows out. */
function cursorValueOf({ kind, column }: SortKey): RawBuilder<string | null> {
  switch (kind) {
    case "id":
      return sql<null>`null`;
    case "text":
      return sql<string>`${column}`;
    case "time":
      return sql<string>`(extract(epoch from ${column}) * 1000000)::bigint::text`;
  }
}

function rowsBehind(key: SortKey, cursor: string): RawBuilder<SqlBool> {
  const { id, value } = readCursor(key, cursor);
  const compare = key.descending ? sql`<` : sql`>`;
  switch (key.kind) {
    case "id":
      return sql<SqlBool>`${key.id} ${compare} ${id}::integer`;
    case "text":
      return sql<SqlBool>`(${key.column}, ${key.id}) ${compare} (${value}::text, ${id}::integer)`;
    case "time":
      return sql<SqlBool>`(${key.column}, ${key.id}) ${compare}
        (timestamptz 'epoch' + ${value}::bigint * interval '1 microsecond', ${id}::integer)`;
  }
}

function writeCursor({ name }: SortKey, { id, cursor_value: value }: CursorRow): string {
  return Buffer.from(JSON.stringify([name, id, value])).toString("base64url");
}

/** Whatever a client sends: nothing but what PostgreSQL takes goes on. */
function readCursor({ name, kind }: SortKey, cursor: string): { id: number; value: string | null } {
  const [of, id, value, ...rest]: readonly unknown[] = parseArray(
    Buffer.from(cursor, "base64url").toString(),
  );
  const isGood =
    of === name &&
    rest.length === 0 &&
    typeof id === "number" &&
    Number.isInteger(id) &&
    id >= 0 &&
    id <= 2_147_483_647 &&
    (kind === "id"
      ? value === null
      : typeof value === "string" && (kind === "text" ? /^[^\0\p{Surrogate}]*$/u : /^\d{1,16}$/).test(value));
  if (!isGood) throw new HeliostatError("parameter-invalid", "cursor is invalid");
  return { id, value: typeof value === "string" ? value : null };
}

function parseArray(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
