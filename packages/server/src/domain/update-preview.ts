import type { RefChange, RefResult } from "./refs.ts";

/** What an update would do, ref by ref. */
export interface UpdatePreview {
  /** In the order in which they would be made. */
  readonly changes: readonly RefChange[];
  /** What would differ and be left alone, with the reason. */
  readonly held: readonly RefResult[];
  readonly upToDate: number;
  readonly skipped: number;
  readonly notes: readonly string[];
  /** What would make the update fail, whatever else goes well. */
  readonly failures: readonly string[];
}
