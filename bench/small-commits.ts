import { git } from "../test/support/repositories.ts";

/**
 * Adds small commits, one on the other, to what `main` has, and points no branch or tag at them. Answers their oids, the
 * oldest first.
 */
export async function makeSmallCommits(repository: string, count: number): Promise<string[]> {
  const commits = Array.from({ length: count }, (_, i) => {
    const message = `small change ${i}`;
    return [
      `commit refs/pool/small\nmark :${i + 1}\ncommitter C O Mitter <committer@example.com> ${1_700_000_000 + i} +0000`,
      `data ${message.length}\n${message}`,
      ...(i === 0 ? ["from refs/heads/main^0"] : []),
      `M 100644 inline dir-${i % 7}/file-${i % 11}\ndata ${message.length}\n${message}\n`,
    ].join("\n");
  });
  await git(repository, ["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"], {
    input: commits.join("\n"),
  });
  const chain = await git(repository, ["rev-list", "--reverse", "refs/heads/main..refs/pool/small"]);
  return chain.split("\n");
}
