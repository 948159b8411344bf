import { type Kysely, sql } from "kysely";

/**
 * The schema as text that a reviewer can read and a test can compare: tables with their columns, then constraints
 * and indexes, all sorted. The queue's own schema is not ours and is left out.
 */
export async function describeSchema(db: Kysely<never>): Promise<string> {
  const columns = await sql<{ place: string; text: string }>`
    select c.relname as place,
      a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || case when a.attidentity <> '' then ' identity' else '' end
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as text
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum`.execute(db);
  const constraints = await sql<{ place: string; text: string }>`
    select conrelid::regclass::text as place, pg_get_constraintdef(oid) as text
    from pg_constraint
    where connamespace = 'public'::regnamespace and contype in ('c', 'f')
    order by 1, 2`.execute(db);
  const indexes = await sql<{ place: string; text: string }>`
    select tablename as place, indexdef as text from pg_indexes where schemaname = 'public' order by 1, 2`.execute(
    db,
  );
  const tables = [...new Set(columns.rows.map((row) => row.place))];
  const linesOf = (rows: readonly { place: string; text: string }[], table: string) =>
    rows.filter((row) => row.place === table).map((row) => `  ${row.text}`);
  return tables
    .map((table) =>
      [
        table,
        ...linesOf(columns.rows, table),
        ...linesOf(constraints.rows, table),
        ...linesOf(indexes.rows, table),
        "",
      ].join("\n"),
    )
    .join("\n");
}
