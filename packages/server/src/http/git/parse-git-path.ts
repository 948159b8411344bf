import type { GitService } from "../../app/git-exchange.ts";

/** What a path means to git: a smart request, or one of the old protocol that reads files. */
export type GitPath =
  | { readonly kind: "advertise"; readonly fullPath: string }
  | { readonly kind: "serve"; readonly fullPath: string; readonly service: GitService }
  | { readonly kind: "dumb" };

/** The characters of namespace and project paths: nothing that a file system or git could read as more than a name. */
const NAME = /^[A-Za-z0-9_.-]{1,255}$/;
const MAX_DEPTH = 22;

/**
 * Reads a raw request path (percent-encoded, no query); null when it is none of git's, and also when a part of it
 * could not be a name: `..`, an encoded slash, a control character.
 */
export function parseGitPath(rawPath: string): GitPath | null {
  const segments = rawPath.split("/").filter((segment) => segment !== "");
  if (
    segments.some(
      (segment, index) => index < segments.length - 1 && segment.endsWith(".git") && isDumb(segments, index),
    )
  ) {
    return { kind: "dumb" };
  }
  const last = segments.at(-1);
  if (last === "refs" && segments.at(-2) === "info") {
    const fullPath = readFullPath(segments.slice(0, -2));
    return fullPath === null ? null : { kind: "advertise", fullPath };
  }
  if (last !== "git-upload-pack" && last !== "git-receive-pack") return null;
  const fullPath = readFullPath(segments.slice(0, -1));
  const service = last === "git-upload-pack" ? "upload-pack" : "receive-pack";
  return fullPath === null ? null : { kind: "serve", fullPath, service };
}

function isDumb(segments: readonly string[], repositoryIndex: number): boolean {
  const next = segments[repositoryIndex + 1];
  return next === "objects" || (next === "HEAD" && segments.length === repositoryIndex + 2);
}

function readFullPath(segments: readonly string[]): string | null {
  if (segments.length < 2 || segments.length > MAX_DEPTH) return null;
  const names: string[] = [];
  for (const segment of segments) {
    const name = decodeSegment(segment);
    if (name === null || !NAME.test(name) || name === "." || name === "..") return null;
    names.push(name);
  }
  const fullPath = names.join("/");
  const bare = fullPath.endsWith(".git") ? fullPath.slice(0, -4) : fullPath;
  return bare.endsWith("/") ? null : bare;
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
