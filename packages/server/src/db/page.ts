import type { Page } from "../app/ports.ts";

/** The row window of a page. */
export function windowOf(page: Page): { limit: number; offset: number } {
  return { limit: page.perPage, offset: (page.page - 1) * page.perPage };
}
