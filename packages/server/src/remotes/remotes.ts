import type { ListOptions, Log, RemoteAccess, Remotes, RequestSender } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { mayBeOfAddress } from "../domain/host-breaker.ts";
import type { ListedRefs } from "./collected-refs.ts";
import { createConnector } from "./connector.ts";
import { createGitListRefs } from "./git-list-refs.ts";
import { createGuard, endpointOf, type ProxyFor, type ResolveHost } from "./guard.ts";
import { createHttpConnections } from "./http-connections.ts";
import { createHttpListRefs } from "./http-list-refs.ts";
import { createHttpPush } from "./http-push.ts";
import { DEFAULT_LIMITS, type RemoteLimits } from "./limits.ts";
import { createMemory } from "./memory.ts";
import { connectGit, createHttpPushProbe, probePushOver } from "./probe-push.ts";
import { createRequestSender } from "./send-request.ts";
import { type Conversation, withListingLimit } from "./smart-http.ts";
import { commandOf } from "./ssh/ssh-command.ts";
import { createSshConnections } from "./ssh/ssh-connections.ts";
import { converseOver } from "./ssh/ssh-conversation.ts";
import { createSshListRefs } from "./ssh/ssh-list-refs.ts";
import { withTimeLimit } from "./time-limit.ts";
import { createTrustStore } from "./trust.ts";
import { openTunnel } from "./tunnel.ts";

function atMost(conversation: Conversation, idleMs: number): Conversation {
  return { ...conversation, stallMs: Math.min(conversation.stallMs ?? idleMs, idleMs) };
}

export interface RemotesOptions {
  readonly log: Log;
  /** Begins with `git/`: some hosts answer other clients with a web page. */
  readonly userAgent: string;
  readonly limits?: Partial<RemoteLimits>;
  /** Stands in for DNS. */
  readonly resolve?: ResolveHost;
  readonly proxyFor?: ProxyFor;
  /** PEM: trusted beside the system's. */
  readonly caCertificates?: string | null;
}

/** Requests at the same time to one receiver, of all that are sent there. */
const REQUESTS_PER_ORIGIN = 8;

/** How many remotes with unusable ref names are remembered as told. */
const MAX_TOLD = 10_000;
const TOLD_MS = 24 * 3600 * 1000;

/**
 * The `Remotes` port: the outbound guard, and without a process: listing refs, pushing over `http(s)://`, and
 * conversations over `ssh://` for git; and beside it requests to receivers that are no repositories. Keeps connections open until `close()`, which also cancels what still runs over them; a listing over `git://` ends by its
 * own signal and limits.
 */
export function createRemotes(
  options: RemotesOptions,
): Remotes & { readonly sender: RequestSender; close(): Promise<void> } {
  const { log, userAgent } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const guard = createGuard({ resolve: options.resolve, proxyFor: options.proxyFor, limits });
  const trusts = createTrustStore(options.caCertificates ?? null);
  const connector = createConnector({ trusts, connectMs: limits.connectMs });
  const connections = createHttpConnections(limits, connector);
  const uploads = createHttpConnections(
    { ...limits, connectionsPerOrigin: limits.uploadsPerOrigin },
    connector,
  );
  const requests = createHttpConnections({ ...limits, connectionsPerOrigin: REQUESTS_PER_ORIGIN }, connector);
  const openHttpPush = createHttpPush({ connections, uploads, limits, userAgent });
  const listHttp = createHttpListRefs({ connections, limits, userAgent });
  const listGit = createGitListRefs({ connector, limits, userAgent });
  const ssh = createSshConnections({ limits, openSocket: connector.open });
  const listSsh = createSshListRefs({ connections: ssh, limits, userAgent });
  const lists = { http: listHttp, https: listHttp, git: listGit, ssh: listSsh };
  const probeHttpPush = createHttpPushProbe({ connections, limits, userAgent });
  const told = createMemory<number>(TOLD_MS, MAX_TOLD);

  function tellSkipped(url: string, { skipped, example }: ListedRefs): void {
    if (skipped === 0 || told.get(url) === skipped) return;
    told.set(url, skipped);
    log.warn(
      { url, skipped, example },
      "the remote has refs with names that are not valid UTF-8 ref names: left out",
    );
  }

  async function converse<T>(
    remote: RemoteAccess,
    { signal, stallTimeoutMs, maxRefs = 0 }: ListOptions,
    talk: (conversation: Conversation) => Promise<T>,
  ): Promise<T> {
    const endpoint = endpointOf(remote.url);
    const { address } = remote;
    if (address === null && remote.proxy === undefined)
      throw new HeliostatError("bug", "a remote without a checked address cannot be spoken to");
    return await talk({
      ...{ remote, endpoint, address, signal },
      stallMs: stallTimeoutMs,
      maxRefs: Math.max(maxRefs, limits.refs),
    }).catch(noteSilence(remote));
  }

  /** A host with several addresses gets another chance with the next one. */
  function noteSilence(remote: RemoteAccess) {
    return (error: unknown): never => {
      if (error instanceof HeliostatError && mayBeOfAddress(error.code)) guard.avoid(remote);
      throw error;
    };
  }

  /** Gives git the way to speak to a remote whose protocol it does not speak here. */
  function withConversation(remote: RemoteAccess): RemoteAccess {
    if (endpointOf(remote.url).scheme !== "ssh") return remote;
    return {
      ...remote,
      async converse(service, signal) {
        const options = { signal, isTransfer: true };
        const channel = await ssh
          .run(remote, commandOf(service, remote.url), options)
          .catch(noteSilence(remote));
        return converseOver(channel, remote, signal);
      },
    };
  }

  /** Git is given a tunnel where a proxy or certificates are in play that it does not know. */
  function withTunnel(remote: RemoteAccess): RemoteAccess {
    const { scheme } = endpointOf(remote.url);
    const isSecure = scheme === "https";
    if (
      (scheme !== "http" && scheme !== "https") ||
      !(remote.proxy !== undefined || (isSecure && trusts.isSpecial(remote.trust)))
    )
      return remote;
    return { ...remote, openTunnel: (signal) => openTunnel(connector, remote, { isSecure, signal }) };
  }

  return {
    sender: createRequestSender({ guard, connections: requests }),
    async open(url, credential, rules) {
      return withTunnel(withConversation(await guard.open(url, credential, rules)));
    },
    async scanHostKeys(remote, signal) {
      if (endpointOf(remote.url).scheme !== "ssh")
        throw new HeliostatError("url-invalid", "Only ssh:// remotes have host keys.");
      return await withTimeLimit(
        { ms: limits.totalMs, signal, what: "looking at the host keys" },
        (limited) => ssh.scanHostKeys(remote, limited),
      );
    },
    async listRefs(remote, options) {
      const listed = await converse(remote, options, (conversation) =>
        // A listing answers at once or not at all: who lets transfers be silent for longer does not mean this.
        withListingLimit(atMost(conversation, limits.idleMs), limits, (limited) =>
          lists[conversation.endpoint.scheme](limited),
        ),
      );
      tellSkipped(remote.url, listed);
      return listed.advertised;
    },
    async probePush(remote, options) {
      if (remote.converse) return await probePushOver(remote.converse, remote, options.signal, limits);
      await converse(remote, options, (conversation) =>
        withListingLimit(atMost(conversation, limits.idleMs), limits, async (limited) => {
          if (limited.endpoint.scheme !== "git") return await probeHttpPush(limited);
          await probePushOver(() => connectGit(connector, limited, limits), remote, limited.signal, limits);
        }),
      );
    },
    openPush(remote, openPack, options) {
      const session = openHttpPush(openPack, options.onProgress);
      return (changes) =>
        converse(remote, options, (conversation) => {
          if (!conversation.endpoint.scheme.startsWith("http"))
            throw new HeliostatError("bug", "only http(s):// is pushed to in process");
          return session(conversation, changes);
        });
    },
    async close() {
      await Promise.all([connections.close(), uploads.close(), requests.close(), ssh.close()]);
    },
  };
}
