import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { cleanKnownHosts, formatKnownHost } from "../../domain/known-hosts.ts";
import { type RemoteUrl, schemeOf } from "../../domain/remote-url.ts";
import { sshPlaceOf } from "../../domain/ssh-remote.ts";
import type { Clock, InstanceSettings, OutboundRules, RemoteAccess, Remotes } from "../ports.ts";
import type { Asker, OutboundPlaces } from "./outbound-places.ts";
import { refuseInSilence } from "./refuse-in-silence.ts";

interface ScanPorts {
  readonly clock: Pick<Clock, "now">;
  readonly instance: { readonly externalUrl: string };
  readonly settings: { read(): Promise<OutboundRules & Pick<InstanceSettings, "silentModeEnabled">> };
  readonly remotes: Pick<Remotes, "open" | "scanHostKeys">;
}

/** What a server showed, in known_hosts form, or why it showed nothing. */
export type ScanResult =
  | { readonly kind: "found"; readonly knownHosts: string }
  | { readonly kind: "failed"; readonly error: HeliostatError };

/** A look at a server's host keys. */
export interface HostKeyScan {
  /** Null while it is under way. */
  readonly result: ScanResult | null;
  /** Never rejects. */
  readonly done: Promise<ScanResult>;
}

/** Who asks for a scan, and for which project's mirror. */
type ScanAsker = Asker & { readonly projectId: number };

export interface HostKeyScans {
  /**
   * The scan of this project and server: one that was made a short while ago, one that is under way, or a new one.
   * Rejects with `url-blocked` when nobody may speak to that server, with `too-many-scans` when it is asked too often,
   * with `model-invalid` in Silent Mode.
   */
  look(asker: ScanAsker, url: RemoteUrl): Promise<HostKeyScan>;
  /** As `look`, but what the server shows now, and a scan that fails is thrown. */
  lookAnew(asker: ScanAsker, url: RemoteUrl): Promise<string>;
}

/** GitLab's ten minutes. */
const FOUND_MS = 600_000;
/** A server that did not answer may have been started meanwhile. */
const FAILED_MS = 20_000;
/** Six types of key, one after the other, of a slow server. */
const SCAN_MS = 10_000;
const MAX_REMEMBERED = 1_000;
interface Remembered extends HostKeyScan {
  /** Null while it is under way. */
  readonly until: Date | null;
}

/** Looks at host keys, of each server once a while for a project; kept in memory. */
export function createHostKeyScans(ports: ScanPorts, places: Pick<OutboundPlaces, "takeScan">): HostKeyScans {
  const remembered = new Map<string, Remembered>();

  function recall(key: string): HostKeyScan | null {
    const scan = remembered.get(key);
    if (scan === undefined) return null;
    if (scan.until === null || scan.until > ports.clock.now()) return scan;
    remembered.delete(key);
    return null;
  }

  function keep(key: string, scan: Remembered): void {
    remembered.delete(key);
    remembered.set(key, scan);
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  }

  async function open(url: RemoteUrl): Promise<RemoteAccess> {
    if (schemeOf(url) !== "ssh") throw new HeliostatError("url-blocked", "Only ssh:// URLs have host keys");
    const rules = await ports.settings.read();
    refuseInSilence(rules);
    return await ports.remotes.open(url, null, { ...rules, ownUrl: ports.instance.externalUrl });
  }

  function begin(key: string, remote: RemoteAccess): HostKeyScan {
    const done = scan(ports, remote);
    const underWay: Remembered = { result: null, done, until: null };
    keep(key, underWay);
    void done.then((result) => {
      // Another one may have taken its place.
      if (remembered.get(key) !== underWay) return;
      const lasts = result.kind === "found" ? FOUND_MS : FAILED_MS;
      keep(key, { result, done, until: new Date(ports.clock.now().getTime() + lasts) });
    });
    return underWay;
  }

  return {
    async look(asker, url) {
      const key = keyOf(asker, url);
      const known = recall(key);
      if (known !== null) return known;
      const remote = await open(url);
      const begunMeanwhile = recall(key);
      if (begunMeanwhile !== null) return begunMeanwhile;
      places.takeScan(asker);
      return begin(key, remote);
    },
    async lookAnew(asker, url) {
      const remote = await open(url);
      places.takeScan(asker);
      const result = await begin(keyOf(asker, url), remote).done;
      if (result.kind === "failed") throw result.error;
      return result.knownHosts;
    },
  };
}

function keyOf({ projectId }: ScanAsker, url: RemoteUrl): string {
  const { host, port } = sshPlaceOf(url);
  return `${projectId} ssh://[${host}]:${port}`;
}

async function scan(ports: Pick<ScanPorts, "remotes">, remote: RemoteAccess): Promise<ScanResult> {
  try {
    const keys = await ports.remotes.scanHostKeys(remote, AbortSignal.timeout(SCAN_MS));
    const place = sshPlaceOf(remote.url);
    return {
      kind: "found",
      knownHosts: cleanKnownHosts(keys.map((key) => formatKnownHost(place, key)).join("\n")),
    };
  } catch (error) {
    return { kind: "failed", error: asHeliostatError(error) };
  }
}
