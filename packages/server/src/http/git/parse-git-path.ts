import type { GitService } from "../../app/git-exchange.ts";
import { readRepositoryPath } from "../../domain/repository-path.ts";

/** What a path means to git: a smart request, or one of the old protocol that reads files. */
export type GitPath =
  | { readonly kind: "advertise"; readonly fullPath: string }
  | { readonly kind: "serve"; readonly fullPath: string; readonly service: GitService }
  | { readonly kind: "dumb" };

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
  const names = segments.map(decodeSegment);
  return names.every((name) => name !== null) ? readRepositoryPath(names) : null;
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
