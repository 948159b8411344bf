import type { Insertable, Selectable } from "kysely";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** Makes the row, and then notes the way to it, which ends with its own id. */
export async function insertNamespace(
  transaction: Db,
  values: Omit<Insertable<Database["namespaces"]>, "traversal_ids">,
  above: readonly number[],
): Promise<Selectable<Database["namespaces"]>> {
  const { id } = await transaction
    .insertInto("namespaces")
    .values({ ...values, traversal_ids: [] })
    .returning("id")
    .executeTakeFirstOrThrow();
  return await transaction
    .updateTable("namespaces")
    .set({ traversal_ids: [...above, id] })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
