import { sql } from "kysely";
import type { AccessEntry } from "../app/ports.ts";
import type { Grantee } from "../domain/protections.ts";

interface GranteeColumns {
  readonly access_level: number | null;
  readonly user_id: number | null;
  readonly group_id: number | null;
  readonly deploy_key_id: number | null;
}

/** Whom an entry names, as its columns: exactly one of them is filled. */
export function granteeColumns(grantee: Grantee): GranteeColumns {
  return {
    access_level: grantee.kind === "role" ? grantee.level : null,
    user_id: grantee.kind === "user" ? grantee.id : null,
    group_id: grantee.kind === "group" ? grantee.id : null,
    deploy_key_id: grantee.kind === "deploy-key" ? grantee.id : null,
  };
}

/** The name of whom an entry names, for a query over `entries`. */
export const GRANTEE_NAME = sql<string | null>`coalesce(
  (select name from users where users.id = entries.user_id),
  (select name from namespaces where namespaces.id = entries.group_id),
  (select title from ssh_keys where ssh_keys.id = entries.deploy_key_id))`;

/** A row of one of the tables of entries. */
export function toAccessEntry(
  row: GranteeColumns & { readonly id: number; readonly grantee_name: string | null },
): AccessEntry {
  return { id: row.id, grantee: granteeOf(row), name: row.grantee_name };
}

function granteeOf(row: GranteeColumns): Grantee {
  if (row.user_id !== null) return { kind: "user", id: row.user_id };
  if (row.group_id !== null) return { kind: "group", id: row.group_id };
  if (row.deploy_key_id !== null) return { kind: "deploy-key", id: row.deploy_key_id };
  return { kind: "role", level: row.access_level ?? 0 };
}

/** Each grantee once. */
export function distinctGrantees(grantees: readonly Grantee[]): readonly Grantee[] {
  return [...new Map(grantees.map((grantee) => [JSON.stringify(granteeColumns(grantee)), grantee])).values()];
}
