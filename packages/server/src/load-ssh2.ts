import { createRequire } from "node:module";
import type ssh2 from "ssh2";

let loaded: typeof ssh2 | undefined;

/** The package that speaks SSH, loaded when it is first needed: a server without SSH mirrors need not hold it. */
export function loadSsh2(): typeof ssh2 {
  loaded ??= createRequire(import.meta.url)("ssh2") as typeof ssh2;
  return loaded;
}
