import type { Log } from "../packages/server/src/app/ports.ts";

/** For parts of the server that are measured outside of it. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
