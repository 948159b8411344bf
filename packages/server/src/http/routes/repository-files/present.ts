import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { BlobAnswer, FileAnswer, TreeEntryAnswer } from "@heliostat/contract/api/repository-files.ts";
import type { FileView } from "../../../app/browsing/browsing-use-cases.ts";
import type { Blob, TreeEntry } from "../../../app/ports.ts";

/** What git looks at to tell text from anything else. */
const LOOKED_AT = 8_000;

/** An entry by its path from the root. */
export function presentTreeEntry({ oid, name, type, path, mode }: TreeEntry): TreeEntryAnswer {
  return { id: oid, name, type, path, mode };
}

/** A file with its content in base64, whatever it holds. */
export function presentFile(file: FileView, content: Buffer): FileAnswer {
  return {
    file_name: file.name,
    file_path: file.path,
    size: file.blob.size,
    encoding: "base64",
    content_sha256: sha256Of(content),
    ref: file.ref,
    blob_id: file.blob.oid,
    commit_id: file.commit,
    last_commit_id: file.lastCommit,
    execute_filemode: isExecutable(file),
    content: content.toString("base64"),
  };
}

/** What `HEAD` tells of a file. `content` null: it is too large to be read for that. */
export function fileHeaders(file: FileView, content: Buffer | null): Record<string, string> {
  return {
    "x-gitlab-blob-id": file.blob.oid,
    "x-gitlab-commit-id": file.commit,
    ...(content === null ? {} : { "x-gitlab-content-sha256": sha256Of(content) }),
    "x-gitlab-encoding": "base64",
    "x-gitlab-execute-filemode": String(isExecutable(file)),
    "x-gitlab-file-name": headerText(file.name),
    "x-gitlab-file-path": headerText(file.path),
    "x-gitlab-last-commit-id": file.lastCommit,
    "x-gitlab-ref": headerText(file.ref),
    "x-gitlab-size": String(file.blob.size),
  };
}

/** The same by the blob alone, which knows no name. */
export function presentBlob(blob: Blob, content: Buffer): BlobAnswer {
  return { size: blob.size, encoding: "base64", content: content.toString("base64"), sha: blob.oid };
}

/**
 * Headers of a file as it is. Whatever is in it, no browser takes it for a page of ours: it is text or bytes, nobody
 * may guess, and it could run nothing. `content` null: it is only known that it is long.
 */
export function rawHeaders(name: string, blob: Blob, content: Buffer | null): Record<string, string> {
  const isText = content !== null && !content.subarray(0, LOOKED_AT).includes(0);
  const type = !isText
    ? "application/octet-stream"
    : isUtf8(content)
      ? "text/plain; charset=utf-8"
      : "text/plain";
  return {
    ...SAFE_HEADERS,
    "content-type": type,
    "content-length": String(blob.size),
    "content-disposition": disposition(isText ? "inline" : "attachment", name),
    "cache-control": "max-age=0, private, must-revalidate",
    etag: etagOf(blob),
  };
}

/** A strong tag: the same blob is the same bytes, for ever. */
export function etagOf(blob: Blob): string {
  return `"${blob.oid}"`;
}

/** Of everything that people have put into a repository. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
};

/** Names a file to a browser: in ASCII for old ones, and as it is. */
export function disposition(kind: "inline" | "attachment", name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%;<>]/g, "_");
  const exact = encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${exact}`;
}

/** A header holds no line ends and no letters beyond ASCII: these are percent-encoded. */
function headerText(text: string): string {
  return text.toWellFormed().replaceAll(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}

function isExecutable({ mode }: FileView): boolean {
  return mode === "100755";
}

function sha256Of(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
