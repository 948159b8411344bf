import { HeliostatError } from "../../domain/errors.ts";
import { redact } from "../../domain/redact.ts";
import { parseRemoteUrl, type RemoteUrl } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { findCredentialFor } from "../credentials/credential-access.ts";
import type { Ports, RemoteCredential } from "../ports.ts";
import { type OpenedRemote, openRemote, secretsOf } from "../updates/open-remote.ts";
import { refuseLongCredential } from "./check-credential.ts";
import { chooseCredential, findNamedCredentials } from "./choose-credential.ts";
import type { ConnectionTestUseCases } from "./connection-test-use-cases.ts";
import { findMirroredProject } from "./mirroring-access.ts";
import { probeRemote } from "./probe-remote.ts";
import { createTestPlaces } from "./test-places.ts";

/** Tests of connections, by the rules of `ConnectionTestUseCases`. */
export function connectionTestUseCases(ports: Ports): ConnectionTestUseCases {
  const places = createTestPlaces(ports.clock);

  async function begin(principal: Principal): Promise<void> {
    const { user } = requireSignedIn(principal);
    if ((await ports.settings.read()).silentModeEnabled) {
      throw new HeliostatError("model-invalid", "Silent Mode is on: nothing is spoken to until it ends.");
    }
    places.take(user.id);
  }

  /** As `openRemote`, for what is stored nowhere. */
  async function open(
    url: RemoteUrl,
    credential: RemoteCredential | null,
    knownHosts: string | undefined,
    signal: AbortSignal,
  ): Promise<OpenedRemote> {
    const rules = { ...(await ports.settings.read()), ownUrl: ports.instance.externalUrl };
    const trust = knownHosts === undefined ? {} : { trust: { knownHosts } };
    const remote = await ports.remotes.open(url, credential, { ...rules, ...trust, signal });
    return { remote, hideSecrets: (text) => redact(text, secretsOf(credential)) };
  }

  return {
    async testNewMirror(principal, which, draft) {
      await findMirroredProject(ports, principal, which, "admin-mirrors");
      const { user } = requireSignedIn(principal);
      const { direction, knownHosts, credentialId = null } = draft;
      const parsed = parseRemoteUrl(draft.url);
      const named = await findNamedCredentials(ports, user, { credentialId }, null);
      const given = {
        username: draft.username || parsed.username || undefined,
        password: draft.password || parsed.password || undefined,
      };
      refuseLongCredential(given);
      chooseCredential(named, null, {
        settings: draft,
        remote: { url: parsed.url, credential: withoutUndefined(given), urlHadUserinfo: parsed.hadUserinfo },
        ...{ hasOwn: false, drops: false },
      });
      await begin(principal);
      const { wanted } = named;
      return await probeRemote(ports, direction, async (signal) => {
        const secret = wanted ? await ports.credentials.readSecret(wanted.id) : withoutUndefined(given);
        return await open(parsed.url, toCredential(secret), knownHosts, signal);
      });
    },
    async testMirror(principal, which, mirrorId) {
      const project = await findMirroredProject(ports, principal, which, "admin-mirrors");
      const mirror = await ports.mirrors.find(mirrorId);
      if (mirror?.projectId !== project.id) throw new HeliostatError("not-found", "Not found");
      await begin(principal);
      return await probeRemote(ports, mirror.direction, (signal) => openRemote(ports, mirror, signal));
    },
    async testCredential(principal, id, { url: text, direction, knownHosts }) {
      const credential = await findCredentialFor(ports, principal, id, "use-credential");
      const { url, username, password } = parseRemoteUrl(text);
      const named = { wanted: credential, ownStoredId: null };
      chooseCredential(named, null, {
        settings: {},
        remote: { url, credential: withoutNull({ username, password }), urlHadUserinfo: false },
        ...{ hasOwn: false, drops: false },
      });
      await begin(principal);
      return await probeRemote(ports, direction, async (signal) =>
        open(url, toCredential(await ports.credentials.readSecret(id)), knownHosts, signal),
      );
    },
  };
}

function toCredential(secret: Partial<RemoteCredential>): RemoteCredential | null {
  if (Object.keys(secret).length === 0) return null;
  return { ...secret, username: secret.username ?? "", password: secret.password ?? "" };
}

function withoutNull(given: {
  readonly username: string | null;
  readonly password: string | null;
}): Partial<RemoteCredential> {
  return withoutUndefined({ username: given.username ?? undefined, password: given.password ?? undefined });
}

function withoutUndefined(given: {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}): Partial<RemoteCredential> {
  return {
    ...(given.username === undefined ? {} : { username: given.username }),
    ...(given.password === undefined ? {} : { password: given.password }),
  };
}
