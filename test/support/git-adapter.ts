import type { Log, RemoteAccess, RemoteCredential } from "../../packages/server/src/app/ports.ts";
import { parseOid } from "../../packages/server/src/domain/oid.ts";
import { parseRefName } from "../../packages/server/src/domain/ref-name.ts";
import type { RefChange } from "../../packages/server/src/domain/refs.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createGit, type Git } from "../../packages/server/src/git/run-git.ts";

/** A log that keeps what it is told. */
export function makeMemoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { lines, debug: write, info: write, warn: write, error: write };
}

/** The way to git that the server takes, with nobody reading its log. */
export function makeGit(): Git {
  return createGit({ log: makeMemoryLog() });
}

/** A remote on this machine as `Remotes.open` would hand it out: checked, and pinned to 127.0.0.1 unless told. */
export function openRemote(
  url: string,
  options: { readonly credential?: RemoteCredential; readonly address?: string } = {},
): RemoteAccess {
  const parsed = parseRemoteUrl(url, { allowLocalPath: true });
  return {
    url: parsed.url,
    credential: options.credential ?? null,
    address: url.startsWith("/") ? null : (options.address ?? "127.0.0.1"),
  };
}

/** The change that leads a ref from one oid to another; `action` is `force` when it cannot be told from these. */
export function changeOf(
  ref: string,
  old: string | null,
  next: string | null,
  action?: RefChange["action"],
): RefChange {
  const told = old === null ? "create" : next === null ? "delete" : "force";
  return {
    ref: parseRefName(ref),
    action: action ?? told,
    old: old === null ? null : parseOid(old),
    new: next === null ? null : parseOid(next),
  };
}
