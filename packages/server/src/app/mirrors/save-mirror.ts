import type { MirrorDirection } from "@heliostat/contract";
import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import {
  areSameOptions,
  DEFAULT_MIRROR_OPTIONS,
  type Mirror,
  type MirrorOptions,
} from "../../domain/mirror.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { hostOf, isSameServer, type RemoteUrl, sameRemote, schemeOf } from "../../domain/remote-url.ts";
import type { User } from "../../domain/user.ts";
import type { MirrorChanges, MirrorEditor, Ports, SshKeyPair } from "../ports.ts";
import type { MirrorSettings } from "../use-cases.ts";
import { type CertificateSettings, certificateChanges, readCertificates } from "./certificates.ts";
import { refuseLongCredential } from "./check-credential.ts";
import { refuseBadOptions } from "./check-options.ts";
import { type CheckedRemote, checkRemoteUrl } from "./check-remote-url.ts";
import {
  type CredentialChoice,
  chooseCredential,
  findNamedCredentials,
  type NamedCredentials,
} from "./choose-credential.ts";
import { authMethodAfter, type KeyPairChange, keyPairChange, prepareKeyPair } from "./key-pair.ts";
import { requestUpdate } from "./request-update.ts";
import { submittedHostKeys } from "./submitted-host-keys.ts";

/** GitLab 18.9's limit; disabled mirrors do not count. */
const MAX_ENABLED_PUSH_MIRRORS = 10;

/**
 * What is saved: a new mirror, or the one with this id; `the-pull-mirror` is the one that a project may have, made
 * when it is missing.
 */
export type SaveTarget =
  | { readonly kind: "new"; readonly direction: MirrorDirection }
  | { readonly kind: "existing"; readonly direction: MirrorDirection; readonly id: number }
  | { readonly kind: "the-pull-mirror"; readonly direction: "pull" };

/**
 * Makes a mirror or changes it; what is left out stays. A URL on another server drops the stored credentials, host keys
 * and certificates unless new ones come along (what becomes of a named credential: `chooseCredential`); switching a pull
 * mirror off drops them too, as GitLab does, and whoever saves one becomes its mirror user. A run of the old relation
 * ends. Where there is something new to carry, and after each save of a pull mirror that is on, an update starts at once.
 * Saved while mirroring is switched off for the instance, which only admins may, it sets the project's override, as in
 * GitLab.
 */
export async function saveMirror(
  ports: Ports,
  user: User,
  project: Project,
  target: SaveTarget,
  settings: MirrorSettings,
): Promise<Mirror> {
  const instance = await ports.settings.read();
  const options = optionsIn(settings);
  refuseLongCredential(settings);
  // Before the network is asked, and once more below: somebody else may save the same mirror meanwhile.
  const seen = findTarget(await ports.mirrors.listOf(project.id), target);
  refuseBadOptions(target.direction, options, seen?.options ?? DEFAULT_MIRROR_OPTIONS, instance);
  const certificates = readCertificates(settings, seen);
  if (settings.url === undefined && !seen) throw urlMissing();
  const named = await findNamedCredentials(ports, user, settings, seen);
  const remote =
    settings.url === undefined
      ? null
      : await checkRemoteUrl(ports, { url: settings.url, direction: target.direction }, fullPathOf(project));
  // Before a key pair is made, which takes a while.
  submittedHostKeys(settings, hostKeysBefore(seen, remote), user.id);
  const wanted = changeOfKeyPair(seen, { settings, remote, named });
  const keyPair = { change: wanted, pair: await prepareKeyPair(ports, wanted, seen, settings) };

  const { before, after } = await ports.mirrors.changeMirrorsOf(project.id, async (mirrors) => {
    const all = await mirrors.listOf(project.id);
    const stored = findTarget(all, target);
    refuseBadOptions(target.direction, options, stored?.options ?? DEFAULT_MIRROR_OPTIONS, instance);
    const saving = { user, project, settings, remote, options, keyPair, named, certificates };
    if (changeOfKeyPair(stored, saving) !== wanted) {
      throw new HeliostatError("conflict", "Somebody else has changed the mirror meanwhile. Try again.");
    }
    if (target.direction === "push") refuseBadPushMirror(all, stored, saving);
    return {
      before: stored,
      after: stored ? await change(mirrors, stored, saving) : await create(mirrors, target, saving),
    };
  });

  if (!instance.mirrorAvailable) {
    const override =
      after.direction === "pull"
        ? { pullMirrorAvailable: after.enabled }
        : { pushMirrorsAvailable: after.enabled };
    await ports.projects.update(project.id, override);
  }
  // A run that is under way is one of the old relation: it must end before the project can get the new one's refs.
  if (before && (before.url !== after.url || !after.enabled)) await ports.queue.cancel(after.id);
  if (!after.enabled || !wantsUpdate(before, after, settings)) return after;
  await requestUpdate(ports, after, "configured", { userId: user.id });
  // As it is now: who polls a pull mirror for the end must not take the state before for it.
  return after.direction === "pull" ? ((await ports.mirrors.find(after.id)) ?? after) : after;
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

/** What a save works with, apart from what is stored. */
interface Saving {
  readonly user: User;
  readonly project: Project;
  readonly settings: MirrorSettings;
  readonly remote: CheckedRemote | null;
  readonly options: Partial<MirrorOptions>;
  readonly keyPair: { readonly change: KeyPairChange; readonly pair: SshKeyPair | null };
  readonly named: NamedCredentials;
  readonly certificates: CertificateSettings;
}

function findTarget(all: readonly Mirror[], target: SaveTarget): Mirror | null {
  const pullMirror = all.find(({ direction }) => direction === "pull") ?? null;
  switch (target.kind) {
    case "the-pull-mirror":
      return pullMirror;
    case "existing": {
      const mirror = all.find(({ id }) => id === target.id);
      if (!mirror) throw new HeliostatError("not-found", "Not found");
      return mirror;
    }
    case "new": {
      const message = "The project has a pull mirror already.";
      if (target.direction === "pull" && pullMirror) throw invalidField("base", message);
      return null;
    }
  }
}

function refuseBadPushMirror(all: readonly Mirror[], stored: Mirror | null, saving: Saving): void {
  const { remote, settings } = saving;
  const others = all.filter(({ id, direction }) => direction === "push" && id !== stored?.id);
  // Only of a URL that is new: a bad one from before may still be switched on.
  const isNewUrl = remote !== null && remote.url !== stored?.url;
  if (isNewUrl && others.some(({ url }) => sameRemote(url, remote.url))) {
    throw invalidField("url", "has already been taken");
  }
  const turnsOn = settings.enabled === true && stored?.enabled !== true;
  if (turnsOn && others.filter(({ enabled }) => enabled).length >= MAX_ENABLED_PUSH_MIRRORS) {
    const message = `Maximum number of push mirrors (${MAX_ENABLED_PUSH_MIRRORS}) exceeded for this project.`;
    throw invalidField("base", message);
  }
}

async function create(mirrors: MirrorEditor, target: SaveTarget, saving: Saving): Promise<Mirror> {
  const { project, user, settings, remote, options, keyPair, certificates } = saving;
  if (!remote) throw urlMissing();
  const beside = credentialBeside(settings);
  const knownHosts = submittedHostKeys(settings, hostKeysBefore(null, remote), user.id);
  const own = { ...remote.credential, ...beside };
  const choice = choiceOf(null, saving);
  return await mirrors.create({
    projectId: project.id,
    direction: target.direction,
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
  });
}

async function change(mirrors: MirrorEditor, stored: Mirror, saving: Saving): Promise<Mirror> {
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
  const changes: MirrorChanges = {
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
  return await mirrors.update(stored.id, changes);
}

/** The host keys that a save begins with, and the URL that it ends with: those of another host are none. */
function hostKeysBefore(
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

function changeOfKeyPair(
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
function wantsUpdate(before: Mirror | null, after: Mirror, settings: MirrorSettings): boolean {
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

function urlMissing(): HeliostatError {
  return invalidField("url", "is missing");
}
