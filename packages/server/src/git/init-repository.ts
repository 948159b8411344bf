import { appendFile, mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { HeliostatError } from "../domain/errors.ts";
import type { ObjectFormat } from "../domain/oid.ts";
import { type RefName, shortName } from "../domain/ref-name.ts";
import type { Git } from "./run-git.ts";
import type { Staging } from "./staging.ts";

/**
 * What holds for people who run plain git in the repository as well. All that our own calls need is in their
 * environment, where a newer version of this server can change it for every repository at once.
 */
const CONFIG = `[core]
\tlogAllRefUpdates = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
[transfer]
\thideRefs = refs/heliostat
`;

export interface RepositorySettings {
  readonly objectFormat: ObjectFormat;
  readonly head: RefName;
}

/** Makes an empty bare repository at `path`, all of it or nothing; `conflict` when something is there already. */
export async function initRepository(
  git: Git,
  staging: Staging,
  path: string,
  settings: RepositorySettings,
): Promise<void> {
  await staging.use("init", async (made) => {
    await makeRepository(git, made, settings);
    await mkdir(dirname(path), { recursive: true });
    await rename(made, path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOTEMPTY" && cause.code !== "EEXIST" && cause.code !== "ENOTDIR") throw cause;
      throw new HeliostatError("conflict", "There is a repository or another file at this path already.", {
        cause,
      });
    });
  });
}

/** Makes an empty bare repository at `path`, where there is nothing; a failure may leave a part of it. */
export async function makeRepository(
  git: Git,
  path: string,
  { objectFormat, head }: RepositorySettings,
): Promise<void> {
  await git.run({
    // An empty template: no sample hooks, no description, whatever the system has lying in its own.
    args: [
      "init",
      "--quiet",
      "--bare",
      "--template=",
      `--object-format=${objectFormat}`,
      `--initial-branch=${shortName(head)}`,
      "--",
      path,
    ],
  });
  await appendFile(`${path}/config`, CONFIG);
}
