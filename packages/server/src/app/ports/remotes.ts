import type { PushVerdict } from "../../domain/push-verdict.ts";
import type { AdvertisedRefs, RefChange } from "../../domain/refs.ts";
import type { RemoteUrl } from "../../domain/remote-url.ts";
import type { InstanceSettings } from "./instance.ts";
import type { RemoteCredential } from "./mirrors.ts";
import type { ListOptions, OpenPack, RemoteAccess, RemoteTrust, TransferOptions } from "./transfers.ts";

/**
 * One push of these changes, each with a lease on its old value; one verdict a change, in their order. Throws when the
 * remote cannot be spoken to, or does not say what became of the push. Groups may be pushed at the same time.
 */
export type PushGroup = (changes: readonly RefChange[]) => Promise<readonly PushVerdict[]>;

/** Where requests may go; the part of the settings that the outbound guard reads. */
export interface OutboundRules extends Pick<InstanceSettings, "allowLocalRequests"> {
  /** Exempt from all checks; nothing when left out. */
  readonly outboundAllowlist?: readonly string[];
  /** Nothing else than what is on the list is spoken to. */
  readonly denyAllRequestsExceptAllowed?: boolean;
  /** False: a proxy may look names up by itself. */
  readonly dnsRebindingProtectionEnabled?: boolean;
  /** The instance's own web address (scheme, host and port), which is always allowed, as in GitLab. */
  readonly ownUrl?: string;
  /** The ports below 1024 that may be spoken to; any when left out. Nothing is exempt. */
  readonly lowPorts?: readonly number[];
}

/** A public key that an SSH server showed. */
export interface ScannedHostKey {
  /** As known_hosts names it: `ssh-ed25519`. */
  readonly algorithm: string;
  /** Base64 of the key. */
  readonly key: string;
}

export interface Remotes {
  /**
   * Checks scheme, host, port and every resolved address now, whatever was true when the URL was saved; `url-blocked`
   * and `url-invalid` with GitLab's reason.
   */
  open(
    url: RemoteUrl,
    credential: RemoteCredential | null,
    rules: OutboundRules & { trust?: RemoteTrust; signal?: AbortSignal },
  ): Promise<RemoteAccess>;
  /**
   * The host keys of an `ssh://` remote that was opened, one of each type that its server offers; nothing else is sent
   * to it. Throws what a connection may end with.
   */
  scanHostKeys(remote: RemoteAccess, signal: AbortSignal): Promise<readonly ScannedHostKey[]>;
  /** Lists `refs/heads/` and `refs/tags/` in process, over a kept connection; no process is started. `too-many-refs`. */
  listRefs(remote: RemoteAccess, options: ListOptions): Promise<AdvertisedRefs>;
  /**
   * Tries whether the remote would take a push: reads what it says before one, and sends an empty one, which changes
   * nothing. What stands in the way is thrown.
   */
  probePush(remote: RemoteAccess, options: TransferOptions): Promise<void>;
  /**
   * Pushes over `http(s)://` in process, group by group; what the remote has is asked for once and kept in step with
   * what it accepts. `openPack` is called for each group, unless nothing but deletions is left of it. `onProgress` is
   * told of the bytes of all groups (`Writing objects`).
   */
  openPush(remote: RemoteAccess, openPack: OpenPack, options: TransferOptions): PushGroup;
}
