import type { MirrorDirection } from "@heliostat/contract";
import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../../domain/mirror.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { sameRemote } from "../../domain/remote-url.ts";
import type { Ports } from "../ports.ts";
import { auditProjectChange } from "../projects/audit-project.ts";
import type { MirrorSettings, SignedIn } from "../use-cases.ts";
import { auditSave, secretsGiven } from "./audit-mirror.ts";
import { readCertificates } from "./certificates.ts";
import { refuseLongCredential } from "./check-credential.ts";
import { refuseBadOptions } from "./check-options.ts";
import { checkRemoteUrl } from "./check-remote-url.ts";
import { findNamedCredentials } from "./choose-credential.ts";
import { endsRun } from "./ends-run.ts";
import { prepareKeyPair } from "./key-pair.ts";
import {
  changeOfKeyPair,
  changesOf,
  hostKeysBefore,
  newMirrorOf,
  optionsIn,
  type Saving,
  urlMissing,
  wantsUpdate,
} from "./mirror-changes.ts";
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
 * ends (`endsRun`). Where there is something new to carry, and after each save of a pull mirror that is on, an update
 * starts at once.
 * Saved while mirroring is switched off for the instance, which only admins may, it sets the project's override, as in
 * GitLab.
 */
export async function saveMirror(
  ports: Ports,
  principal: SignedIn,
  project: Project,
  target: SaveTarget,
  settings: MirrorSettings,
): Promise<Mirror> {
  const { user } = principal;
  const instance = await ports.settings.read();
  const options = optionsIn(settings);
  refuseLongCredential(settings);
  // Before the network is asked, and once more below: somebody else may save the same mirror meanwhile.
  const seen = findTarget(await ports.mirrors.listOf(project.id), target);
  refuseBadOptions(target.direction, options, seen?.options ?? DEFAULT_MIRROR_OPTIONS, instance);
  const certificates = readCertificates(settings, seen);
  if (settings.url === undefined && !seen) throw urlMissing();
  const named = await findNamedCredentials(ports, principal, settings, seen);
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
    const after = stored
      ? await mirrors.update(stored.id, changesOf(stored, saving))
      : await mirrors.create(newMirrorOf(target.direction, saving));
    return { before: stored, after };
  });

  await auditSave(
    ports,
    principal,
    project,
    { before, after },
    secretsGiven(settings, remote?.credential ?? {}),
  );
  if (!instance.mirrorAvailable) {
    const override =
      after.direction === "pull"
        ? { pullMirrorAvailable: after.enabled }
        : { pushMirrorsAvailable: after.enabled };
    await auditProjectChange(ports, principal, project, await ports.projects.update(project.id, override));
  }
  // A run that is under way is one of the old relation: it must end before the project can get the new one's refs.
  if (before && endsRun(before, after)) await ports.queue.cancel(after.id);
  if (!after.enabled || !wantsUpdate(before, after, settings)) return after;
  await requestUpdate(ports, after, "configured", { userId: user.id });
  // As it is now: who polls a pull mirror for the end must not take the state before for it.
  return after.direction === "pull" ? ((await ports.mirrors.find(after.id)) ?? after) : after;
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
