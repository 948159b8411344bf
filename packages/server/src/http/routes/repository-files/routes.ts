import { Readable } from "node:stream";
import {
  archiveParams,
  blobParams,
  blobSchema,
  type FoundFileAnswer,
  fileParams,
  fileSchema,
  fileSearchParams,
  foundFileSchema,
  rawFileParams,
  treeEntrySchema,
  treeParams,
} from "@heliostat/contract/api/repository-files.ts";
import type { TreePosition } from "../../../app/browsing/browsing-use-cases.ts";
import type { ArchiveFormat, Blob } from "../../../app/ports.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { Project } from "../../../domain/project.ts";
import { fileOf, listOf, type RawAnswer, type UnchangedAnswer, wholeListOf } from "../../api-answer.ts";
import {
  type ApiContext,
  apiRoute,
  forHead,
  list,
  namesTag,
  ok,
  pageFrom,
  raw,
  tagged,
  uncounted,
} from "../../api-route.ts";
import { requestError } from "../../request-error.ts";
import {
  disposition,
  etagOf,
  fileHeaders,
  presentBlob,
  presentFile,
  presentTreeEntry,
  rawHeaders,
  SAFE_HEADERS,
} from "./present.ts";

const AT = "/projects/:id/repository";
/** As JSON, in base64: more would be held in memory several times over. `raw` gives any file. */
const MAX_JSON_BYTES = 10 * 1024 * 1024;

const ARCHIVES: readonly (readonly [ending: string, format: ArchiveFormat])[] = [
  ["", "tar.gz"],
  [".tar.gz", "tar.gz"],
  [".tgz", "tar.gz"],
  [".tar", "tar"],
  [".zip", "zip"],
];
/** What a file may be sent as: text that a browser may show, or bytes. */
const RAW_TYPES = ["text/plain", "application/octet-stream"] as const;
const ARCHIVE_TYPES: Readonly<Record<ArchiveFormat, string>> = {
  "tar.gz": "application/octet-stream",
  tar: "application/x-tar",
  zip: "application/zip",
};

export const repositoryFileRoutes = [
  apiRoute({
    method: "GET",
    path: `${AT}/tree`,
    access: "read_code",
    summary: "List the files of a directory",
    params: treeParams,
    answer: listOf(treeEntrySchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const isKeyset = params.pagination === "keyset";
      const position: TreePosition = isKeyset
        ? { kind: "after", path: readToken(params.page_token), count: page.perPage }
        : { kind: "page", page };
      const what = {
        path: params.path ?? "",
        ref: params.ref || null,
        isRecursive: params.recursive ?? false,
      };
      const { items, total, hasMore } = await useCases.listTree(principal, params.id, what, position);
      const answers = items.map(presentTreeEntry);
      if (isKeyset) {
        const last = hasMore ? items.at(-1) : undefined;
        const token = last === undefined ? null : makeToken(last.path);
        return tagged(
          uncounted(answers, { kind: "token", parameter: "page_token", perPage: page.perPage, token }),
        );
      }
      return tagged(
        total === null ? uncounted(answers, { kind: "page", page, hasMore }) : list(answers, page, total),
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/files/:file_path`,
    access: "read_code",
    summary: "Show a file, in base64",
    params: fileParams,
    answer: fileSchema,
    handle: async ({ useCases, principal, params, isHead, untilGone }) => {
      const what = { path: params.file_path, ref: params.ref };
      const { project, found } = await useCases.findFile(principal, params.id, what, untilGone());
      const isLarge = found.blob.size > MAX_JSON_BYTES;
      if (isHead && isLarge) return forHead(raw(fileHeaders(found, null), Buffer.alloc(0)));
      const content = await readWhole(useCases, project, found.blob);
      const headers = fileHeaders(found, content);
      return tagged(ok(presentFile(found, content)), headers);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/files/:file_path/raw`,
    access: "read_code",
    summary: "Download a file",
    params: rawFileParams,
    answer: fileOf(...RAW_TYPES),
    handle: async (context) => {
      const { useCases, principal, params, untilGone } = context;
      const what = { path: params.file_path, ref: params.ref || "HEAD" };
      const { project, found } = await useCases.findFile(principal, params.id, what, untilGone());
      const answer = await sendRaw(context, project, found.blob, found.name);
      return answer.kind === "raw"
        ? raw({ ...fileHeaders(found, null), ...answer.headers }, answer.body)
        : answer;
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/blobs/:sha`,
    access: "read_code",
    summary: "Show a blob, in base64",
    params: blobParams,
    answer: blobSchema,
    handle: async ({ useCases, principal, params }) => {
      const { project, found } = await useCases.findBlob(principal, params.id, params.sha);
      return tagged(ok(presentBlob(found, await readWhole(useCases, project, found))));
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/blobs/:sha/raw`,
    access: "read_code",
    summary: "Download a blob",
    params: blobParams,
    answer: fileOf(...RAW_TYPES),
    handle: async (context) => {
      const { project, found } = await context.useCases.findBlob(
        context.principal,
        context.params.id,
        context.params.sha,
      );
      return await sendRaw(context, project, found, found.oid);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${AT}/file_names`,
    access: "read_code",
    summary: "Find files by a part of their path",
    params: fileSearchParams,
    answer: wholeListOf(foundFileSchema),
    handle: async ({ useCases, principal, params, untilGone }) => {
      const what = { ref: params.ref || null, search: params.search };
      const paths = await useCases.searchFiles(principal, params.id, what, untilGone());
      return ok(paths.map((path): FoundFileAnswer => ({ path })));
    },
  }),
  ...ARCHIVES.map(([ending, format]) =>
    apiRoute({
      method: "GET",
      path: `${AT}/archive${ending}`,
      access: "read_code",
      summary: `Download an archive of the files (${format})`,
      params: archiveParams,
      answer: fileOf(ARCHIVE_TYPES[format]),
      handle: async ({ useCases, principal, params, isHead, untilGone }) => {
        const what = { ref: params.sha || null, path: params.path ?? "", format };
        const archive = await useCases.prepareArchive(principal, params.id, what);
        const headers = {
          ...SAFE_HEADERS,
          "content-type": ARCHIVE_TYPES[format],
          "content-disposition": disposition("attachment", `${archive.name}.${format}`),
          "cache-control": "no-store",
        };
        return raw(headers, isHead ? Readable.from([]) : await archive.start(untilGone()));
      },
    }),
  ),
];

async function readWhole(
  useCases: ApiContext<unknown>["useCases"],
  project: Project,
  blob: Blob,
): Promise<Buffer> {
  if (blob.size <= MAX_JSON_BYTES) return await useCases.readBlob(project, blob);
  throw requestError(
    413,
    `The file has ${blob.size} bytes, and an answer no more than ${MAX_JSON_BYTES}. Add /raw to the path to have it as it is.`,
  );
}

async function sendRaw(
  { useCases, principal, isHead, ifNoneMatch, untilGone }: ApiContext<unknown>,
  project: Project,
  blob: Blob,
  name: string,
): Promise<RawAnswer | UnchangedAnswer> {
  if (namesTag(ifNoneMatch, etagOf(blob))) {
    return { kind: "unchanged", headers: { etag: etagOf(blob) } };
  }
  const body = await useCases.streamBlob(principal, project, blob, untilGone());
  const headers = rawHeaders(name, blob, Buffer.isBuffer(body) ? body : null);
  if (!isHead || Buffer.isBuffer(body)) return raw(headers, body);
  body.destroy();
  return raw(headers, Readable.from([]));
}

/** Which entry the page before ended with; nobody but us reads it. */
function makeToken(path: string): string {
  return Buffer.from(path).toString("base64url");
}

function readToken(token: string | undefined): string | null {
  if (token === undefined || token === "") return null;
  const path = Buffer.from(token, "base64url").toString("utf8");
  if (path === "" || makeToken(path) !== token.replace(/=+$/, "")) {
    throw new HeliostatError("parameter-invalid", "page_token is invalid");
  }
  return path;
}
