import { HeliostatError } from "../../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror, type MirrorOptions } from "../../domain/mirror.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { hostOf } from "../../domain/remote-url.ts";
import type { User } from "../../domain/user.ts";
import type { MirrorChanges, Ports, RemoteCredential } from "../ports.ts";
import type { PullMirrorSettings } from "../use-cases.ts";
import { refuseBadFilters, regexOrNull } from "./check-options.ts";
import { type CheckedRemote, checkRemoteUrl } from "./check-remote-url.ts";
import { requestUpdate } from "./request-update.ts";

/** Finds what is wrong with the settings of a pull mirror that is yet to be made, without making anything. */
export async function refuseBadPullMirror(
  ports: Ports,
  settings: PullMirrorSettings,
  projectFullPath: string,
): Promise<void> {
  refuseBadFilters(optionsOf(settings, DEFAULT_MIRROR_OPTIONS));
  if (settings.url === undefined) {
    if (settings.enabled) throw urlMissing();
    return;
  }
  await checkRemoteUrl(ports, settings.url, projectFullPath);
  if (!settings.enabled) {
    throw new HeliostatError("model-invalid", "an import that runs once is not available yet", {
      fields: { import_url: ["needs mirror=true: an import that runs only once is not available yet"] },
    });
  }
}

/**
 * Makes the project's pull mirror or changes it; what is left out stays. The caller becomes the mirror user. A URL
 * on another host drops the stored credentials unless new ones come along; switching off drops them too, as GitLab
 * does. The last error is gone and, while the mirror is on, an update starts at once.
 */
export async function configurePullMirror(
  ports: Ports,
  user: User,
  project: Project,
  settings: PullMirrorSettings,
): Promise<Mirror> {
  const [before] = await ports.mirrors.listOf(project.id, "pull");
  const options = optionsOf(settings, before?.options ?? DEFAULT_MIRROR_OPTIONS);
  refuseBadFilters(options);
  const remote =
    settings.url === undefined ? null : await checkRemoteUrl(ports, settings.url, fullPathOf(project));
  const mirror = before
    ? await change(ports, user, before, settings, remote, options)
    : await create(ports, user, project, settings, remote, options);
  // A run that is under way carries what the old upstream has: it must end before the project can get the new one's.
  const endsRun = before && (before.url !== mirror.url || !mirror.enabled);
  if (endsRun) await ports.queue.cancel(mirror.id);
  if (!mirror.enabled) return mirror;
  await requestUpdate(ports, mirror, "configured");
  // As it is now: who polls for the end must not take the state before for it.
  return (await ports.mirrors.find(mirror.id)) ?? mirror;
}

async function create(
  ports: Ports,
  user: User,
  project: Project,
  settings: PullMirrorSettings,
  remote: CheckedRemote | null,
  options: MirrorOptions,
): Promise<Mirror> {
  if (!remote) throw urlMissing();
  const given = givenCredential(settings);
  return await ports.mirrors.create({
    projectId: project.id,
    direction: "pull",
    enabled: settings.enabled ?? false,
    url: remote.url,
    urlHadUserinfo: remote.urlHadUserinfo && !given,
    authMethod: "password",
    credential: withoutNulls({ ...remote.credential, ...given }),
    options,
    userId: user.id,
  });
}

async function change(
  ports: Ports,
  user: User,
  before: Mirror,
  settings: PullMirrorSettings,
  remote: CheckedRemote | null,
  options: MirrorOptions,
): Promise<Mirror> {
  const isOtherUrl = remote !== null && remote.url !== before.url;
  const isOtherHost = remote !== null && hostOf(remote.url) !== hostOf(before.url);
  const given = givenCredential(settings);
  const dropsSecrets = isOtherHost || remote?.urlHadUserinfo === true || settings.enabled === false;
  const changes: MirrorChanges = {
    options,
    userId: user.id,
    ...(settings.enabled === undefined ? {} : { enabled: settings.enabled }),
    ...(remote ? { url: remote.url } : {}),
    ...(remote || given ? { urlHadUserinfo: remote?.urlHadUserinfo === true && !given } : {}),
    credential: {
      ...(dropsSecrets ? { username: null, password: null } : {}),
      ...(settings.enabled === false ? {} : { ...remote?.credential, ...given }),
    },
    clearsError: true,
    resetState: isOtherUrl,
  };
  return await ports.mirrors.update(before.id, changes);
}

/** Credentials that came beside the URL; null when none did. An empty text takes away. */
function givenCredential(
  settings: PullMirrorSettings,
): { username?: string | null; password?: string | null } | null {
  if (settings.username === undefined && settings.password === undefined) return null;
  return {
    ...(settings.username === undefined ? {} : { username: settings.username || null }),
    ...(settings.password === undefined ? {} : { password: settings.password || null }),
  };
}

function withoutNulls(credential: {
  username?: string | null;
  password?: string | null;
}): Partial<RemoteCredential> {
  return {
    ...(credential.username ? { username: credential.username } : {}),
    ...(credential.password ? { password: credential.password } : {}),
  };
}

function optionsOf(settings: PullMirrorSettings, before: MirrorOptions): MirrorOptions {
  return {
    ...before,
    onlyProtectedBranches: settings.onlyProtectedBranches ?? before.onlyProtectedBranches,
    overwritesDivergedBranches: settings.overwritesDivergedBranches ?? before.overwritesDivergedBranches,
    triggerBuilds: settings.triggerBuilds ?? before.triggerBuilds,
    branchRegex: settings.branchRegex === undefined ? before.branchRegex : regexOrNull(settings.branchRegex),
  };
}

function urlMissing(): HeliostatError {
  return new HeliostatError("model-invalid", "url is missing", { fields: { url: ["is missing"] } });
}
