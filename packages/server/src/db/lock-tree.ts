import { type RawBuilder, sql } from "kysely";
import type { Db } from "./pool.ts";

/**
 * Holds the tree of groups in which this namespace is, until the transaction ends: to `change` its paths, visibility or
 * owners, or to `rely` on them while something is put into it. By its root, which no namespace ever changes.
 */
export async function lockTree(transaction: Db, namespaceId: number, to: "change" | "rely"): Promise<void> {
  const strength = to === "change" ? sql`for update` : sql`for share`;
  await sql`select id from namespaces
    where id = (select traversal_ids[1] from namespaces where id = ${namespaceId}) ${strength}`.execute(
    transaction,
  );
}

/** Holds those of all these namespaces to `change` them; always in the same order, so that two never wait for each other. */
export async function lockTrees(transaction: Db, namespaceIds: RawBuilder<unknown>): Promise<void> {
  await sql`select id from namespaces
    where id in (select traversal_ids[1] from namespaces where id in (${namespaceIds}))
    order by id for update`.execute(transaction);
}
