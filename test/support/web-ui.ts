import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildUi, isUiFresh } from "../../scripts/build-ui.mjs";
import { holdLock } from "../../scripts/hold-lock.mjs";

const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the pages unless they are what the sources say; of test files that run at once, one does and the others wait. */
export async function provideUi(): Promise<void> {
  if (isUiFresh(WORKSPACE)) return;
  await holdLock(join(WORKSPACE, ".launch", "lock"), async () => {
    if (!isUiFresh(WORKSPACE)) await buildUi(WORKSPACE, process.execPath);
  });
}
