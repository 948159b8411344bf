import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { GIT_ENV, git } from "./repositories.ts";

const BLOB = 1024 * 1024;

/**
 * Adds a commit on top of `ref` (`refs/heads/main` unless told) with so many bytes, in files of 1 MiB, that no
 * compression makes smaller; answers its oid. Objects are stored, not deflated: 2 GiB take as long as hashing them.
 */
export async function makeNoise(repository: string, bytes: number, ref = "refs/heads/main"): Promise<string> {
  const tip = await git(repository, ["rev-parse", "--verify", "-q", ref]).catch(() => null);
  const child = spawn(
    "git",
    [
      ...["-c", "core.compression=0", "-c", "fastimport.unpackLimit=1"],
      ...["fast-import", "--quiet", "--force", "--depth=0"],
    ],
    { cwd: repository, env: GIT_ENV, stdio: ["pipe", "inherit", "inherit"] },
  );
  const ended = once(child, "close");
  const write = async (part: string | Buffer): Promise<void> => {
    if (!child.stdin.write(part)) await once(child.stdin, "drain");
  };
  await write(
    `commit ${ref}\ncommitter C O Mitter <committer@example.com> 1700000000 +0000\ndata 5\nnoise\n${tip === null ? "" : `from ${tip}\n`}`,
  );
  const noise = randomBytes(BLOB);
  const name = randomBytes(4).toString("hex");
  for (let done = 0; done < bytes; done += BLOB) {
    const size = Math.min(BLOB, bytes - done);
    // The same noise each time but for its beginning: another object, and nothing that deflate could find.
    await write(`M 100644 inline noise-${name}-${done / BLOB}\ndata ${size}\n`);
    await write(Buffer.concat([randomBytes(16), noise.subarray(16, size)]));
    await write("\n");
  }
  child.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
  return git(repository, ["rev-parse", ref]);
}

/** Settings with which plain git sends such objects as they are, without looking for similar ones. */
export const SEND_AS_IS: readonly string[] = ["-c", "core.compression=0", "-c", "core.bigFileThreshold=64k"];
