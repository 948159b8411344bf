import type { AuthMethod, MirrorDirection } from "@heliostat/contract";
import { given } from "../../domain/given.ts";
import { readHostKeyParameters } from "../../domain/host-key-parameters.ts";
import { hostOf, parseRemoteUrl, portOf, type RemoteUrl, schemeOf } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { findCredentialFor } from "../credentials/credential-access.ts";
import type { Ports, RemoteCredential } from "../ports.ts";
import { type OpenedRemote, openRemote, openStoredRemote } from "../updates/open-remote.ts";
import { refuseLongCredential } from "./check-credential.ts";
import { chooseCredential, findNamedCredentials } from "./choose-credential.ts";
import type { ConnectionTestUseCases } from "./connection-test-use-cases.ts";
import { findMirroredProject, findMirrorToChange } from "./mirroring-access.ts";
import type { OutboundPlaces } from "./outbound-places.ts";
import { probeRemote } from "./probe-remote.ts";
import { refuseInSilence } from "./refuse-in-silence.ts";

/** Tests of connections, by the rules of `ConnectionTestUseCases`. */
export function connectionTestUseCases(ports: Ports, places: OutboundPlaces): ConnectionTestUseCases {
  async function begin(principal: Principal, url: RemoteUrl, projectId: number | null): Promise<void> {
    const { user } = requireSignedIn(principal);
    refuseInSilence(await ports.settings.read());
    places.takeTest(user.id);
    // The test of an SSH remote scans its host keys.
    if (schemeOf(url) === "ssh") places.takeScan({ userId: user.id, projectId });
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
      const project = await findMirroredProject(ports, principal, which, "admin-mirrors");
      const { direction, knownHosts, credentialId = null } = draft;
      const parsed = parseRemoteUrl(draft.url);
      const named = await findNamedCredentials(ports, principal, { credentialId }, null);
      const own = given({
        username: draft.username || parsed.username || undefined,
        password: draft.password || parsed.password || undefined,
      });
      refuseLongCredential(own);
      const choice = chooseCredential(named, null, {
        settings: draft,
        remote: { url: parsed.url, credential: own, urlHadUserinfo: parsed.hadUserinfo },
        ...{ hasOwn: false, drops: false },
      });
      await begin(principal, parsed.url, project.id);
      const { wanted } = named;
      const authMethod = choice.authMethod ?? draft.authMethod ?? "password";
      const readSecret = async () => (wanted ? await ports.credentials.readSecret(wanted.id) : own);
      const trial = { direction, url: parsed.url, authMethod, knownHosts, readSecret };
      return await probeRemote(ports, direction, (signal) => open(trial, signal));
    },
    async testMirror(principal, which, mirrorId) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      await begin(principal, mirror.url, project.id);
      return await probeRemote(ports, mirror.direction, (signal) => openRemote(ports, mirror, signal));
    },
    async testCredential(principal, id, { url: text, direction, knownHosts }) {
      const credential = await findCredentialFor(ports, principal, id, "use-credential");
      const { url, username, password } = parseRemoteUrl(text);
      const inUrl = given({ username: username ?? undefined, password: password ?? undefined });
      const named = { wanted: credential, ownStoredId: null };
      const choice = chooseCredential(named, null, {
        settings: {},
        remote: { url, credential: inUrl, urlHadUserinfo: false },
        ...{ hasOwn: false, drops: false },
      });
      await begin(principal, url, null);
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
