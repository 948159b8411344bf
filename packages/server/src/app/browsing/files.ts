import { HeliostatError } from "../../domain/errors.ts";
import type { Ports, TreeEntry } from "../ports.ts";
import { createRateLimit } from "../rate-limit.ts";
import { type ClientQueue, clientOf } from "../repositories/client-queue.ts";
import { askerOf, type BrowsingPorts, browse, cleanPath, commitNamed } from "./browsed-project.ts";
import type { BrowsingUseCases, TreePart } from "./browsing-use-cases.ts";

type FileUseCases = Pick<
  BrowsingUseCases,
  "listTree" | "findFile" | "searchFiles" | "findBlob" | "readBlob" | "streamBlob" | "prepareArchive"
>;

/** Larger ones have a git of their own, in the line of those that clients are served by. */
const SMALL_BLOB_BYTES = 1024 * 1024;
/** As many names as a search answers. */
const MAX_FOUND = 100;
/**
 * Of one project, by one user or address, on this node. An archive costs as much as a clone and nothing of it is kept;
 * the line for a place bounds how many are made at once, this how long one client can hold up the line.
 */
const ARCHIVES_A_MINUTE = 30;
const MINUTE_MS = 60_000;
/** In GitLab's order. */
const TYPES: readonly TreeEntry["type"][] = ["tree", "blob", "commit"];

/**
 * Directories, files and archives of a commit. Archives are dear: each client gets so many of a project in a minute.
 */
export function fileUseCases(
  ports: BrowsingPorts & Pick<Ports, "clock">,
  clients: ClientQueue,
): FileUseCases {
  const { browsing } = ports;
  const archives = createRateLimit(ports.clock, { perKey: ARCHIVES_A_MINUTE, windowMs: MINUTE_MS });
  return {
    async listTree(principal, which, { path: asked, ref, isRecursive }, position) {
      const browsed = await browse(ports, principal, which);
      const commit = await commitNamed(ports, browsed, ref, "Tree");
      const directory = cleanPath(asked);
      const entries = directory === null ? null : await browsing.listTree(browsed.path, commit, directory);
      if (directory === null || entries === null) {
        throw new HeliostatError("not-found", "invalid revision or path Not Found");
      }
      if (isRecursive) {
        const after = position.kind === "after" ? position.path : null;
        return await cut(browsing.walkTree(browsed.path, commit, directory, after), position);
      }
      const sorted = TYPES.flatMap((type) => entries.filter((entry) => entry.type === type));
      const { page, perPage } =
        position.kind === "page" ? position.page : { page: 1, perPage: position.count };
      const token = position.kind === "after" ? position.path : null;
      const at = token === null ? 0 : sorted.findIndex(({ path }) => path === token) + 1;
      if (token !== null && at === 0) throw new HeliostatError("parameter-invalid", "page_token is invalid");
      const start = at + (page - 1) * perPage;
      return {
        items: sorted.slice(start, start + perPage),
        total: sorted.length,
        hasMore: sorted.length > start + perPage,
      };
    },
    async findFile(principal, which, { path: asked, ref }, signal) {
      const browsed = await browse(ports, principal, which);
      const { project, path } = browsed;
      const commit = await commitNamed(ports, browsed, ref, "Commit");
      const file = cleanPath(asked);
      const found = file === null || file === "" ? null : await browsing.findEntry(path, commit, file);
      if (file === null || found === null || found.entry.type !== "blob") {
        throw new HeliostatError("not-found", "File Not Found");
      }
      const { oid, mode, name } = found.entry;
      return {
        project,
        found: {
          ...{ path: file, name, mode, ref, commit },
          blob: { oid, size: found.size },
          lastCommit: await browsing.findLastChange(path, commit, file, askerOf(principal, signal)),
        },
      };
    },
    async searchFiles(principal, which, { ref, search }, signal) {
      const browsed = await browse(ports, principal, which);
      const commit = await commitNamed(ports, browsed, ref, "Tree");
      const asker = askerOf(principal, signal);
      return await browsing.searchPaths(browsed.path, commit, search, MAX_FOUND, asker);
    },
    async findBlob(principal, which, name) {
      const { project, path } = await browse(ports, principal, which);
      const blob = await browsing.findBlob(path, name);
      if (blob === null) throw new HeliostatError("not-found", "Blob Not Found");
      return { project, found: blob };
    },
    readBlob: (project, { oid }) => browsing.readBlob(ports.repositories.pathOf(project.id), oid),
    async streamBlob(principal, project, blob, signal) {
      const path = ports.repositories.pathOf(project.id);
      if (blob.size <= SMALL_BLOB_BYTES) return await browsing.readBlob(path, blob.oid);
      const giveBack = await clients.enter("packs", clientOf(principal), signal);
      try {
        return browsing.streamBlob(path, blob, signal).once("close", giveBack);
      } catch (error) {
        giveBack();
        throw error;
      }
    },
    async prepareArchive(principal, which, { ref, path: asked, format }) {
      const browsed = await browse(ports, principal, which);
      const { project, path } = browsed;
      const commit = await commitNamed(ports, browsed, ref, "File");
      const file = cleanPath(asked);
      if (file === null || (file !== "" && (await browsing.findEntry(path, commit, file)) === null)) {
        throw new HeliostatError("not-found", "File Not Found");
      }
      const head = ref === null ? await browsing.readHead(path) : null;
      const shown = (head?.replace("refs/heads/", "") ?? ref ?? "HEAD").replaceAll("/", "-");
      const name = [project.path, shown, commit, ...(file === "" ? [] : [file.replaceAll("/", "-")])]
        .join("-")
        // It becomes the name of a directory on somebody's machine.
        .replaceAll(/[^A-Za-z0-9._-]/g, "_");
      return {
        name,
        async start(signal) {
          const client = clientOf(principal);
          if (!archives.take(`${project.id} ${client}`)) throw tooManyArchives();
          const giveBack = await clients.enter("packs", client, signal);
          try {
            const archive = await browsing.archive(path, { commit, format, prefix: name, file }, signal);
            return archive.once("close", giveBack);
          } catch (error) {
            giveBack();
            throw error;
          }
        },
      };
    },
  };
}

function tooManyArchives(): HeliostatError {
  return new HeliostatError(
    "too-many-archives",
    `No more than ${ARCHIVES_A_MINUTE} archives of a project may be downloaded in a minute. Try again later, or clone the repository.`,
    { retryAfterSeconds: MINUTE_MS / 1000 },
  );
}

/** A page of what is listed one after the other: no more of it is looked at than is needed. */
async function cut(
  entries: AsyncIterable<TreeEntry>,
  position: Parameters<BrowsingUseCases["listTree"]>[3],
): Promise<TreePart> {
  const skip = position.kind === "page" ? (position.page.page - 1) * position.page.perPage : 0;
  const count = position.kind === "page" ? position.page.perPage : position.count;
  const items: TreeEntry[] = [];
  let passed = 0;
  for await (const entry of entries) {
    passed += 1;
    if (passed <= skip) continue;
    if (items.length === count) return { items, total: null, hasMore: true };
    items.push(entry);
  }
  return { items, total: null, hasMore: false };
}
