import type { MirrorDirection } from "@heliostat/contract";
import { type HeliostatError, invalidField } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import {
  areSameOptions,
  DEFAULT_MIRROR_OPTIONS,
  type Mirror,
  type MirrorOptions,
} from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import { hostOf, isSameServer, type RemoteUrl, schemeOf } from "../../domain/remote-url.ts";
import type { User } from "../../domain/user.ts";
import type { MirrorChanges, NewMirror, SshKeyPair } from "../ports.ts";
import type { MirrorSettings } from "../use-cases.ts";
import { type CertificateSettings, certificateChanges } from "./certificates.ts";
import type { CheckedRemote } from "./check-remote-url.ts";
import { type CredentialChoice, chooseCredential, type NamedCredentials } from "./choose-credential.ts";
import { authMethodAfter, type KeyPairChange, keyPairChange } from "./key-pair.ts";
import { submittedHostKeys } from "./submitted-host-keys.ts";

/** What a save works with, apart from what is stored. */
export interface Saving {
  readonly user: Pick<User, "id">;
  readonly project: Pick<Project, "id">;
  readonly settings: MirrorSettings;
  readonly remote: CheckedRemote | null;
  readonly options: Partial<MirrorOptions>;
  readonly keyPair: { readonly change: KeyPairChange; readonly pair: SshKeyPair | null };
  readonly named: NamedCredentials;
  readonly certificates: CertificateSettings;
}

/** The options among the settings, in the form in which they are stored. */
export function optionsIn(settings: MirrorSettings): Partial<MirrorOptions> {
  const options: Partial<Record<keyof MirrorOptions, unknown>> = {};
  for (const option of Object.keys(DEFAULT_MIRROR_OPTIONS) as (keyof MirrorOptions)[]) {
    if (settings[option] !== undefined) options[option] = settings[option];
  }
  const { branchRegex, tags, ...rest } = options as Partial<MirrorOptions>;
  return {
    ...rest,
    ...(branchRegex === undefined ? {} : { branchRegex: branchRegex || null }),
    ...(tags === undefined ? {} : { tags: tags || DEFAULT_MIRROR_OPTIONS.tags }),
  };
}

/** The mirror that this makes. */
export function newMirrorOf(direction: MirrorDirection, saving: Saving): NewMirror {
  const { project, user, settings, remote, options, keyPair, certificates } = saving;
  if (!remote) throw urlMissing();
  const beside = credentialBeside(settings);
  const knownHosts = submittedHostKeys(settings, hostKeysBefore(null, remote), user.id);
  const own = { ...remote.credential, ...beside };
  const choice = choiceOf(null, saving);
  return {
    projectId: project.id,
    direction,
    enabled: settings.enabled ?? false,
    url: remote.url,
    urlHadUserinfo: remote.urlHadUserinfo && ((!beside && !choice.credentialId) || isSsh(remote.url)),
    authMethod: authMethodAfter(null, settings),
    credential: choice.credentialId
      ? {}
      : {
          ...given({ username: own.username || undefined, password: own.password || undefined }),
          ...(keyPair.pair === null ? {} : { keyPair: keyPair.pair }),
        },
    ...choice,
    ...(knownHosts === undefined ? {} : { knownHosts }),
    ...certificateChanges(certificates, { isOtherHost: true, switchesPullOff: false }),
    options: { ...DEFAULT_MIRROR_OPTIONS, ...options },
    userId: settings.userId ?? user.id,
  };
}

/** What this changes of a mirror; what is left out stays. By the rules of `saveMirror`. */
export function changesOf(stored: Mirror, saving: Saving): MirrorChanges {
  const { user, settings, remote, options, keyPair, certificates } = saving;
  const isPull = stored.direction === "pull";
  const isOtherHost = leadsToOtherServer(stored, remote);
  const beside = credentialBeside(settings);
  const isOff = switchesPullOff(stored, settings);
  const dropsSecrets = isOtherHost || replacesUserinfo(stored, remote) || isOff;
  const authMethod = authMethodAfter(stored, settings);
  const knownHosts =
    submittedHostKeys(settings, hostKeysBefore(stored, remote), user.id) ??
    (isOtherHost ? { text: "", verifiedBy: null } : undefined);
  const isOtherProof = keyPair.pair !== null || knownHosts !== undefined || authMethod !== stored.authMethod;
  const choice = choiceOf(stored, saving);
  const usesNamed = usesNamedAfter(stored, choice);
  return {
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(isPull ? { userId: settings.userId ?? user.id } : {}),
    ...(settings.enabled === undefined ? {} : { enabled: settings.enabled }),
    ...(authMethod === stored.authMethod ? {} : { authMethod }),
    ...(remote ? { url: remote.url } : {}),
    ...urlHadUserinfo(stored, remote, beside !== null || usesNamed),
    credential: usesNamed
      ? {}
      : {
          ...(dropsSecrets ? { username: null, password: null } : {}),
          ...(isOff ? {} : { ...remote?.credential, ...beside }),
          ...(keyPair.change === "keep" ? {} : { keyPair: keyPair.pair }),
        },
    ...choice,
    ...certificateChanges(certificates, { isOtherHost, switchesPullOff: isOff }),
    ...(knownHosts === undefined ? {} : { knownHosts }),
    clearsError:
      isPull ||
      remote !== null ||
      beside !== null ||
      isOtherProof ||
      choice.credentialId !== undefined ||
      saysCertificates(settings),
    resetState: remote !== null && remote.url !== stored.url,
  };
}

/** The host keys that a save begins with, and the URL that it ends with: those of another host are none. */
export function hostKeysBefore(
  stored: Mirror | null,
  remote: CheckedRemote | null,
): Pick<Mirror, "url" | "knownHosts"> {
  const url = remote?.url ?? stored?.url;
  if (url === undefined) throw urlMissing();
  return { url, knownHosts: stored === null || leadsToOtherServer(stored, remote) ? "" : stored.knownHosts };
}

/** Whether answers show the URL with masked userinfo; that of SSH, which is part of the address, in any case. */
function urlHadUserinfo(
  stored: Mirror,
  remote: CheckedRemote | null,
  hasBeside: boolean,
): Pick<MirrorChanges, "urlHadUserinfo"> {
  if (remote) return { urlHadUserinfo: remote.urlHadUserinfo && (!hasBeside || isSsh(remote.url)) };
  return hasBeside && !isSsh(stored.url) ? { urlHadUserinfo: false } : {};
}

function isSsh(url: RemoteUrl): boolean {
  return schemeOf(url) === "ssh";
}

function leadsToOtherServer(stored: Mirror, remote: CheckedRemote | null): boolean {
  return remote !== null && !isSameServer(stored.url, remote.url);
}

/**
 * Userinfo in a URL takes the place of what is stored. The user name in one of SSH is part of the address: by itself it
 * leaves that user's password as it is.
 */
function replacesUserinfo(stored: Mirror, remote: CheckedRemote | null): boolean {
  if (remote?.urlHadUserinfo !== true) return false;
  const { username, password } = remote.credential;
  return !isSsh(remote.url) || password !== undefined || username !== stored.username;
}

/** What becomes of the key pair: to be known before the rest, since making one takes a while. */
export function changeOfKeyPair(
  stored: Mirror | null,
  saving: Pick<Saving, "settings" | "remote" | "named">,
): KeyPairChange {
  const { settings, remote } = saving;
  const isOff = switchesPullOff(stored, settings);
  // Nothing but SSH is shown a key pair, so it may outlast another scheme of the same host.
  const isOtherHost = stored !== null && remote !== null && hostOf(remote.url) !== hostOf(stored.url);
  const dropsKey = isOff || isOtherHost;
  const usesNamed = usesNamedAfter(stored, choiceOf(stored, saving));
  return keyPairChange(stored, settings, { dropsKey, isOff, usesNamed });
}

function choiceOf(
  stored: Mirror | null,
  { settings, remote, named }: Pick<Saving, "settings" | "remote" | "named">,
): CredentialChoice {
  const hasOwn = hasText(credentialBeside(settings));
  return chooseCredential(named, stored, {
    settings,
    remote,
    hasOwn,
    drops: switchesPullOff(stored, settings),
  });
}

function usesNamedAfter(stored: Mirror | null, { credentialId }: CredentialChoice): boolean {
  return (credentialId === undefined ? (stored?.credential ?? null) : credentialId) !== null;
}

/** As GitLab does, it then forgets what it was given. */
function switchesPullOff(stored: Mirror | null, settings: MirrorSettings): boolean {
  return stored?.direction === "pull" && settings.enabled === false;
}

/**
 * Whether there is something new to carry. For other options a wish is needed, because a run that is under way would
 * end with the digest of the old ones, which the next check may find again where the new ones only add to them.
 */
export function wantsUpdate(before: Mirror | null, after: Mirror, settings: MirrorSettings): boolean {
  if (!before?.enabled || after.direction === "pull") return true;
  const isOtherRemote = before.url !== after.url || settings.url !== undefined || credentialBeside(settings);
  // A key pair that was made now is not known to the remote yet.
  const isOtherProof =
    before.authMethod !== after.authMethod ||
    before.knownHosts !== after.knownHosts ||
    before.credential?.id !== after.credential?.id;
  return (
    Boolean(isOtherRemote) ||
    isOtherProof ||
    saysCertificates(settings) ||
    Boolean(settings.privateKey) ||
    !areSameOptions(before.options, after.options)
  );
}

function saysCertificates({ caCertificates, clientCertificate, clientKey }: MirrorSettings): boolean {
  return caCertificates !== undefined || clientCertificate !== undefined || clientKey !== undefined;
}

/** Credentials that came beside the URL; null when none did. An empty text takes away. */
function credentialBeside(
  settings: MirrorSettings,
): { username?: string | null; password?: string | null } | null {
  if (settings.username === undefined && settings.password === undefined) return null;
  return {
    ...(settings.username === undefined ? {} : { username: settings.username || null }),
    ...(settings.password === undefined ? {} : { password: settings.password || null }),
  };
}

/** Whether there is something in it: an empty user name is what forms send along. */
function hasText(beside: ReturnType<typeof credentialBeside>): boolean {
  return Boolean(beside?.username || beside?.password);
}

/** For a new mirror without one. */
export function urlMissing(): HeliostatError {
  return invalidField("url", "is missing");
}
