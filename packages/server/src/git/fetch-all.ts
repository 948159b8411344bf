import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ReceiveOptions, RemoteAccess } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { formatBytes } from "../domain/format-bytes.ts";
import { type IncomingLimits, moreRefsThan, NO_LIMITS } from "../domain/incoming-limits.ts";
import { objectFormatOf, parseOid } from "../domain/oid.ts";
import { parseRefName, type RefName } from "../domain/ref-name.ts";
import type { AdvertisedRef, AdvertisedRefs } from "../domain/refs.ts";
import { moveObjects } from "./move-objects.ts";
import { isLossy, readHeadFile } from "./read-refs.ts";
import { receive } from "./receive.ts";
import type { ReceiveBounds } from "./receive-bounds.ts";
import { readObjectFormatFile } from "./ref-files.ts";
import { type Patience, type RemoteCall, stallMsOf, withRemoteCall } from "./remote-call.ts";
import type { Git, GitCall } from "./run-git.ts";
import type { Staging } from "./staging.ts";

/** As much as a list of refs that is read in process may take. */
const MAX_PACKED_REFS = 256 * 1024 * 1024;

/** Stands where git puts a name of its own choice, when the remote does not say where its HEAD points. */
const NO_BRANCH = "heliostat-none";

/**
 * First pull: `git clone --bare` next to the repository, then its objects are moved in. Measured with 20,000 commits
 * and 5,000 refs: a clone takes 1.0 s, a fetch into an empty repository 6.1 s, because it writes refs one by one.
 *
 * The answer is what the remote had, as the clone wrote it down; in `path` no ref is written. An empty remote has no
 * refs. `object-format-mismatch` when its objects are not of our format; then nothing was moved.
 */
export async function fetchAll(
  git: Git,
  staging: Staging,
  path: string,
  remote: RemoteAccess,
  options: ReceiveOptions,
  { patience, bounds }: { readonly patience: Patience; readonly bounds: ReceiveBounds },
): Promise<AdvertisedRefs> {
  return await withRemoteCall(remote, options, patience, (call) =>
    clone(git, staging, path, call, { options, patience, bounds }),
  );
}

async function clone(
  git: Git,
  staging: Staging,
  path: string,
  { url, config, ...call }: RemoteCall,
  {
    options,
    patience,
    bounds,
  }: { readonly options: ReceiveOptions; readonly patience: Patience; readonly bounds: ReceiveBounds },
): Promise<AdvertisedRefs> {
  return await staging.use("fetch", async (arriving) => {
    const ownFormat = await readObjectFormatFile(path);
    const { admission } = options;
    const request: GitCall = {
      ...call,
      config: [...config, ["init.defaultBranch", NO_BRANCH]],
      // `--no-local`: of a repository on this machine, too, nothing is linked or trusted unseen.
      // `--progress`, and no `--quiet`, which would silence index-pack: the sign of life of a run that does not hang.
      args: [
        ...["clone", "--bare", "--progress", "--template=", "--no-local", "--reject-shallow"],
        ...["--", url, arriving],
      ],
    };
    const stallMs = stallMsOf(options, patience);
    const arrival = { objects: join(arriving, "objects"), admission, bounds, stallMs };
    await receive(git, request, arrival, options);
    const advertised = await readClone(arriving, admission?.limits ?? NO_LIMITS);
    if (advertised.objectFormat !== ownFormat) {
      throw new HeliostatError(
        "object-format-mismatch",
        `The remote's objects are ${advertised.objectFormat}, this repository's are ${ownFormat}. Mirror it into a repository of the same format.`,
      );
    }
    await moveObjects(join(arriving, "objects"), join(path, "objects"));
    return advertised;
  });
}

/**
 * The clone is git's own work, and fresh: all its refs are in the one file that it wrote, with the peeled values. It is
 * read piece by piece, and no further than the limit: a remote may list millions to git that it did not list to us.
 */
async function readClone(clone: string, limits: IncomingLimits): Promise<AdvertisedRefs> {
  await refuseHugeFile(join(clone, "packed-refs"));
  const refs = new Map<RefName, AdvertisedRef>();
  let last: RefName | null = null;
  for await (const line of linesOf(join(clone, "packed-refs"))) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("^")) {
      const tag = last === null ? undefined : refs.get(last);
      if (last !== null && tag) refs.set(last, { ...tag, peeled: parseOid(line.slice(1)) });
      continue;
    }
    const space = line.indexOf(" ");
    const name = line.slice(space + 1);
    last = isLossy(name) ? null : parseRefName(name);
    if (last !== null) refs.set(last, { oid: parseOid(line.slice(0, space)) });
    if (refs.size > limits.refs) throw moreRefsThan(limits);
  }
  const first = refs.values().next().value;
  const objectFormat = first === undefined ? await readObjectFormatFile(clone) : objectFormatOf(first.oid);
  const target = await readHeadFile(clone);
  return { objectFormat, refs, head: target === `refs/heads/${NO_BRANCH}` ? null : target };
}

/** The lines of a file, with a turn for others after each piece of it; none where there is no file. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return;
  let rest = "";
  for await (const piece of file.createReadStream({ encoding: "utf8" })) {
    const lines = `${rest}${piece}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  yield rest;
}

/** The remote may have listed any number to git, whatever it had listed to us: they are not read to be counted. */
async function refuseHugeFile(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= MAX_PACKED_REFS) return;
  throw new HeliostatError(
    "too-many-refs",
    `The remote's refs take ${formatBytes(size)} in one list, which is more than this server reads (${formatBytes(MAX_PACKED_REFS)}).`,
  );
}
