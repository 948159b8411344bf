import { isIPv6 } from "node:net";
import type { ErrorKind } from "@heliostat/contract";
import type { RemoteAccess, RemoteService, TransferOptions, Tunnel } from "../app/ports.ts";
import { assertNever, HeliostatError } from "../domain/errors.ts";
import { withoutFinalDot } from "../domain/host-name.ts";
import { hostOf, portOf, schemeOf } from "../domain/remote-url.ts";
import { makeCredentialHelper } from "./credentials.ts";
import type { ConfigLine } from "./environment.ts";
import { readProgress } from "./progress.ts";
import type { GitCall } from "./run-git.ts";

/** How long a remote may keep us waiting. */
export interface Patience {
  /** So long without a byte on an HTTP connection, and it is given up. */
  readonly stallSeconds: number;
  /**
   * So long without a sign of life from git itself, and it is stopped. Much longer: git is silent while it checks what
   * it received.
   */
  readonly silenceSeconds: number;
}

/** How long a remote may keep us waiting where nobody says otherwise. */
export const DEFAULT_PATIENCE: Patience = { stallSeconds: 120, silenceSeconds: 900 };

/** How long this transfer may go without a byte. */
export function stallMsOf({ stallTimeoutMs }: TransferOptions, { stallSeconds }: Patience): number {
  return stallTimeoutMs ?? stallSeconds * 1000;
}

/** What git says when it has all of a pack. */
const ARRIVED = /^(Receiving|Unpacking) objects:.* done\.$/;

export type RemoteCall = Pick<
  GitCall,
  | "protocols"
  | "config"
  | "env"
  | "fd3Input"
  | "converse"
  | "secrets"
  | "idleTimeoutMs"
  | "signal"
  | "onStderrLine"
> & {
  /** What to give git as the repository, after `--`. */
  readonly url: string;
  readonly config: readonly ConfigLine[];
};

/** Kinds of errors behind which there may be something that happened in the tunnel, and that git knows nothing of. */
const OF_THE_WAY: ReadonlySet<ErrorKind> = new Set(["transient", "remote", "bug"]);

/**
 * Runs `work` with all that a git call needs to speak to this remote and to no other, through a tunnel where the remote
 * has one. What went wrong in there is thrown in place of what git made of it.
 */
export async function withRemoteCall<T>(
  remote: RemoteAccess,
  options: TransferOptions,
  patience: Patience,
  work: (call: RemoteCall) => Promise<T>,
  service: RemoteService = "git-upload-pack",
): Promise<T> {
  if (remote.openTunnel === undefined)
    return await work(prepareRemoteCall(remote, options, patience, service));
  const tunnel = await remote.openTunnel(options.signal);
  try {
    return await work(prepareRemoteCall(remote, options, patience, service, tunnel));
  } catch (error) {
    const isOfTheWay = error instanceof HeliostatError && OF_THE_WAY.has(error.kind);
    throw (isOfTheWay ? tunnel.failure() : null) ?? error;
  } finally {
    tunnel.close();
  }
}

/**
 * All that a git call needs to speak to this remote and to no other: its one protocol, the address that was checked,
 * the credential, the limits. Over SSH git is given the conversation itself, with this service.
 */
export function prepareRemoteCall(
  remote: RemoteAccess,
  options: TransferOptions,
  patience: Patience = DEFAULT_PATIENCE,
  service: RemoteService = "git-upload-pack",
  tunnel: Tunnel | null = null,
): RemoteCall {
  const { onProgress } = options;
  const stallMs = stallMsOf(options, patience);
  const silenceMs = Math.max(patience.silenceSeconds * 1000, stallMs);
  const scheme = schemeOf(remote.url);
  let hasArrived = false;
  const common = {
    signal: options.signal,
    // Nothing in git watches these connections, so we do, for as long as git waits for the remote. What it does with a
    // pack that has arrived is its own work again.
    idleTimeoutMs: () => ((scheme === "git" || scheme === "ssh") && !hasArrived ? stallMs : silenceMs),
    onStderrLine: (line: string) => {
      hasArrived ||= ARRIVED.test(line);
      const progress = onProgress ? readProgress(line) : null;
      if (progress) onProgress?.(progress);
    },
  };
  switch (scheme) {
    case "file":
      return { ...common, url: remote.url, protocols: ["file"], config: [] };
    case "git":
      return { ...common, ...pinGit(remote), protocols: ["git"], config: [] };
    case "http":
    case "https": {
      const helper = remote.credential ? makeCredentialHelper(remote.credential) : null;
      // Where a server may send a pack, git does not hear its own helper but through `programs/git-remote-screened`.
      const isFetch = service === "git-upload-pack";
      const screen = isFetch ? "screened::" : "";
      return {
        ...common,
        url: `${screen}${tunnel?.url ?? remote.url}`,
        protocols: [...(isFetch ? (["screened"] as const) : []), tunnel ? "http" : scheme],
        config: [
          ["http.lowSpeedLimit", "1"],
          ["http.lowSpeedTime", String(Math.max(1, Math.ceil(stallMs / 1000)))],
          // The tunnel leads to the checked address, whatever it is asked for; git looks no name up then.
          ...(tunnel ? [["http.proxy", tunnel.proxy] as const] : pinHttp(remote)),
          ...(helper?.config ?? []),
        ],
        secrets: [...(helper?.secrets ?? []), ...(tunnel ? [passwordOf(tunnel)] : [])],
        ...(helper ? { fd3Input: helper.fd3Input } : {}),
      };
    }
    case "ssh": {
      const { converse, credential } = remote;
      if (!converse) throw new HeliostatError("bug", "an ssh:// remote without a way to speak to it");
      return {
        ...common,
        url: "fd::3",
        protocols: ["fd"],
        config: [],
        converse: (signal) => converse(service, signal),
        ...(credential ? { secrets: [credential.password] } : {}),
      };
    }
    default:
      return assertNever(scheme);
  }
}

/**
 * curl resolves no name that it has been told: it goes to the checked address, and still asks for the URL's host. It
 * looks the host up without the dot that a name may end in.
 */
function pinHttp(remote: RemoteAccess): readonly ConfigLine[] {
  const host = hostOf(remote.url);
  // A literal IPv6 address is its own pin; in curl's table it would not be found.
  if (isIPv6(host)) return [];
  const rest = `${portOf(remote.url)}:${bracket(checkedAddress(remote))}`;
  return [...new Set([host, withoutFinalDot(host)])].map((name) => [
    "http.curloptResolve",
    `${name}:${rest}`,
  ]);
}

/** git:// has no such table, and no proxies: we connect to the address, and tell the server by which name we meant to. */
function pinGit(remote: RemoteAccess): { url: string; env: Record<string, string> } {
  if (remote.proxy !== undefined) {
    throw new HeliostatError(
      "url-invalid",
      "A git:// remote cannot be reached through a proxy: use its HTTPS URL, or name its host in NO_PROXY.",
    );
  }
  const [, authority = "", path = ""] = /^git:\/\/([^/?]*)(.*)$/.exec(remote.url) ?? [];
  return {
    url: `git://${bracket(checkedAddress(remote))}:${portOf(remote.url)}${path}`,
    env: { GIT_OVERRIDE_VIRTUAL_HOST: authority },
  };
}

function passwordOf({ proxy }: Tunnel): string {
  return new URL(proxy).password;
}

function bracket(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

function checkedAddress(remote: RemoteAccess): string {
  if (remote.address === null) throw new HeliostatError("bug", "the remote's address was not checked");
  return remote.address;
}
