import type { SelectQueryBuilder } from "kysely";
import type { Page } from "../app/ports.ts";

/** The row window of a page. */
export function windowOf(page: Page): { limit: number; offset: number } {
  return { limit: page.perPage, offset: (page.page - 1) * page.perPage };
}

/** How many rows the query would find, whatever it selects of them; it must neither group nor limit them. */
export async function countRows<DB, T extends keyof DB>(
  matching: SelectQueryBuilder<DB, T, unknown>,
): Promise<number> {
  const { total } = await matching
    .clearSelect()
    .select(({ fn }) => fn.countAll<number>().as("total"))
    // What is selected, which TypeScript cannot work out for a query of any tables.
    .$castTo<{ total: number }>()
    .executeTakeFirstOrThrow();
  return total;
}
