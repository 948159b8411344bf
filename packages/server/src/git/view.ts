import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectFormat, Oid } from "../domain/oid.ts";

/**
 * Makes a bare repository at `view` that has these refs and no objects of its own: git is to find them
 * elsewhere. What git does for each ref of a repository it then does for these only.
 */
export async function makeView(
  view: string,
  refs: readonly (readonly [name: string, oid: Oid])[],
  objectFormat: ObjectFormat,
): Promise<void> {
  await mkdir(join(view, "refs"), { recursive: true });
  await mkdir(join(view, "objects"));
  await writeFile(join(view, "HEAD"), "ref: refs/heads/none\n");
  await writeFile(
    join(view, "config"),
    objectFormat === "sha256"
      ? "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
      : "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
  );
  // Without the word "sorted" git sorts for itself, as it sorts: by bytes.
  const lines = refs.map(([name, oid]) => `${oid} ${name}\n`);
  await writeFile(join(view, "packed-refs"), `# pack-refs with: \n${lines.join("")}`);
}
