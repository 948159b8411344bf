import { changedValues } from "../../domain/changed-values.ts";
import { describeKeys } from "../../domain/known-hosts.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import { maskUrl } from "../../domain/remote-url.ts";
import type { Principal } from "../../domain/user.ts";
import { auditedProject } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { MirrorSettings } from "../use-cases.ts";

type AuditPorts = Pick<Ports, "audit" | "clock">;

/** Notes what was done with a mirror, under its project. */
export async function auditMirror(
  ports: AuditPorts,
  principal: Principal,
  { project, mirror }: { readonly project: Project; readonly mirror: Mirror },
  action: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await recordAudit(ports, principal, {
    action,
    entity: auditedProject(project),
    target: { type: "Mirror", id: mirror.id, details: `${mirror.direction} mirror of ${urlOf(mirror)}` },
    details: { direction: mirror.direction, ...details },
  });
}

/** Notes what a save has made or changed, each kind of change by itself; nothing where all is as it was. */
export async function auditSave(
  ports: AuditPorts,
  principal: Principal,
  project: Project,
  { before, after }: { readonly before: Mirror | null; readonly after: Mirror },
  secrets: readonly string[],
): Promise<void> {
  const note = (action: string, details = {}) =>
    auditMirror(ports, principal, { project, mirror: after }, action, details);
  if (before === null) {
    const { enabled, authMethod, options, credential } = after;
    await note("mirror-created", {
      ...{ url: urlOf(after), enabled, auth_method: authMethod, secrets },
      ...{ credential: credential?.name ?? null, host_keys: fingerprintsOf(after) },
      options: changedValues(DEFAULT_MIRROR_OPTIONS, options),
    });
    return;
  }
  if (before.url !== after.url) await note("mirror-url-changed", { from: urlOf(before), to: urlOf(after) });
  const proof = proofChanges(before, after, secrets);
  if (proof.length > 0) await note("mirror-credential-changed", { changed: proof });
  if (before.knownHosts !== after.knownHosts) {
    await note("mirror-host-keys-changed", { from: fingerprintsOf(before), to: fingerprintsOf(after) });
  }
  const changes = {
    ...changedValues(before.options, after.options),
    ...changedValues({ mirrorUserId: before.userId }, { mirrorUserId: after.userId }),
  };
  if (Object.keys(changes).length > 0) await note("mirror-options-changed", { changes });
  if (before.enabled !== after.enabled) await note(after.enabled ? "mirror-enabled" : "mirror-disabled");
}

/** Which secrets are given with these settings, by kind: what they are is nobody's business here. */
export function secretsGiven(
  settings: MirrorSettings,
  fromUrl: { readonly username?: string; readonly password?: string },
): readonly string[] {
  const given: Readonly<Record<string, unknown>> = {
    username: settings.username || fromUrl.username,
    password: settings.password || fromUrl.password,
    ssh_key: settings.privateKey || settings.regeneratesKeyPair,
    client_certificate: settings.clientKey,
  };
  return Object.keys(given).filter((kind) => Boolean(given[kind]));
}

function proofChanges(before: Mirror, after: Mirror, secrets: readonly string[]): readonly string[] {
  const differs: Readonly<Record<string, boolean>> = {
    auth_method: before.authMethod !== after.authMethod,
    username: before.username !== after.username,
    password: before.hasPassword !== after.hasPassword,
    ssh_key: before.publicKey !== after.publicKey,
    credential: before.credential?.id !== after.credential?.id,
    ca_certificates: before.caCertificates !== after.caCertificates,
    client_certificate: before.clientCertificate !== after.clientCertificate,
  };
  const changed = Object.keys(differs).filter((kind) => differs[kind]);
  // Another password in place of one is to be seen by nothing but that it was given.
  return [...new Set([...changed, ...secrets.filter((kind) => kind !== "username")])];
}

function fingerprintsOf({ knownHosts }: Mirror): readonly string[] {
  return describeKeys(knownHosts).map((key) => key.fingerprint_sha256);
}

/** A user name may be a token, so that of the URL is not told either. */
function urlOf({ url, urlHadUserinfo, username, hasPassword }: Mirror): string {
  return maskUrl(url, { hadUserinfo: urlHadUserinfo, username, hasPassword });
}
