import type { AuthMethod, MirrorDirection } from "@heliostat/contract";
import { HeliostatError } from "../../domain/errors.ts";
import { readHostKeyParameters } from "../../domain/host-key-parameters.ts";
import { hostOf, parseRemoteUrl, portOf, type RemoteUrl } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { findCredentialFor } from "../credentials/credential-access.ts";
import type { Ports, RemoteCredential } from "../ports.ts";
import { type OpenedRemote, openRemote, openStoredRemote } from "../updates/open-remote.ts";
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

  /** As a mirror would be opened that is stored nowhere. */
  async function open(trial: Trial, signal: AbortSignal): Promise<OpenedRemote> {
    const { direction, url, authMethod, knownHosts = "", readSecret } = trial;
    const none = { caCertificates: null, clientCertificate: null };
    const known = { direction, url, authMethod, knownHosts: readHostKeys(url, knownHosts), ...none };
    return await openStoredRemote(ports, { ...known, secret: await readSecret() }, signal);
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
      const choice = chooseCredential(named, null, {
        settings: draft,
        remote: { url: parsed.url, credential: withoutUndefined(given), urlHadUserinfo: parsed.hadUserinfo },
        ...{ hasOwn: false, drops: false },
      });
      await begin(principal);
      const { wanted } = named;
      const authMethod = choice.authMethod ?? draft.authMethod ?? "password";
      const readSecret = async () =>
        wanted ? await ports.credentials.readSecret(wanted.id) : withoutUndefined(given);
      const trial = { direction, url: parsed.url, authMethod, knownHosts, readSecret };
      return await probeRemote(ports, direction, (signal) => open(trial, signal));
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
      const choice = chooseCredential(named, null, {
        settings: {},
        remote: { url, credential: withoutNull({ username, password }), urlHadUserinfo: false },
        ...{ hasOwn: false, drops: false },
      });
      await begin(principal);
      const authMethod = choice.authMethod ?? "password";
      const trial = {
        direction,
        url,
        authMethod,
        knownHosts,
        readSecret: () => ports.credentials.readSecret(id),
      };
      return await probeRemote(ports, direction, (signal) => open(trial, signal));
    },
  };
}

/** What is to be tried. */
interface Trial {
  readonly direction: MirrorDirection;
  readonly url: RemoteUrl;
  readonly authMethod: AuthMethod;
  readonly knownHosts: string | undefined;
  readonly readSecret: () => Promise<Partial<RemoteCredential>>;
}

/** Lines of known_hosts, or bare keys, which are those of the URL's host. */
function readHostKeys(url: RemoteUrl, text: string): string {
  return readHostKeyParameters([text], { host: hostOf(url), port: portOf(url) }).knownHosts;
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
