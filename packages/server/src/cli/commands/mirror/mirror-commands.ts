import { MIRROR_DIRECTIONS } from "@heliostat/contract";
import { connectionReportSchema } from "@heliostat/contract/api/connection-tests.ts";
import {
  type MirrorAnswer,
  type MirrorUpdateAnswer,
  mirrorSchema,
  mirrorUpdateSchema,
} from "@heliostat/contract/api/mirrors.ts";
import { projectSchema } from "@heliostat/contract/api/projects.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";
import type { ApiClient } from "../../connection/api-client.ts";
import { isId, projectPath } from "../../connection/find.ts";
import { given, readTextFile, requireSome } from "../../parse-options.ts";
import { plain } from "../../terminal/plain.ts";
import { printJson } from "../../terminal/print.ts";
import { confirm, readPassword } from "../../terminal/terminal-input.ts";
import { findCredentialId } from "../credential/find-credential.ts";
import { watchForNoUpdate } from "./await-update.ts";
import { describeReport } from "./connection-report.ts";
import { type EditFlags, readEditFlags, refuseOtherDirection } from "./edit-flags.ts";
import { type AddFlags, readAddFlags } from "./mirror-flags.ts";
import {
  describeChange,
  describeEnd,
  describeMirror,
  describeMirrors,
  directionOf,
} from "./mirror-report.ts";
import { watchUpdate } from "./watch-updates.ts";

/** As many updates as `show` names. */
const SHOWN_UPDATES = 5;

/** `heliostat mirror add`. Like all of these it answers the exit code: 0 done, 1 the update failed. */
export async function addMirror(project: string, url: string, flags: AddFlags): Promise<number> {
  const settings = readAddFlags(url, flags);
  const api = await connect(flags);
  const password = flags.passwordStdin ? await readPassword("heliostat mirror add") : null;
  const hostKeys = flags.hostKeys === undefined ? null : await readTextFile("--host-keys", flags.hostKeys);
  const parameters = {
    ...settings,
    ...(password === null ? {} : { auth_password: password }),
    ...(hostKeys === null ? {} : { ssh_known_hosts: hostKeys }),
    ...(flags.credential === undefined
      ? {}
      : { credential_id: await findCredentialId(api, flags.credential) }),
  };
  const answer = await api.call("POST", mirrorsPath(project), parameters);
  const mirror = mirrorSchema.parse(answer);
  const path = `${mirrorsPath(project)}/${mirror.id}`;
  if (!flags.wait) {
    if (flags.json) printJson(answer);
    else {
      const { id, direction } = mirror;
      console.log(`Mirror ${id} added: ${project} ${directionOf(direction)} ${plain(mirror.url ?? url)}`);
      if (mirror.public_key !== null && flags.sshKey !== undefined) {
        console.log(`Give the remote its public key:\n${plain(mirror.public_key)}`);
      }
      if (mirror.enabled) console.log(`Its first update: heliostat mirror watch ${project} ${id}`);
    }
    return 0;
  }
  if (!flags.json) console.log(`Mirror ${mirror.id} added.`);
  return await waitForUpdate(api, path, 0, flags, { mirror: answer });
}

/** `heliostat mirror edit`: changes what is given, and leaves the rest. */
export async function editMirror(project: string, name: string, flags: EditFlags): Promise<number> {
  const settings = readEditFlags(flags);
  const files = await readFiles(flags);
  requireSome({ ...settings, ...files, ...given({ in: flags.passwordStdin, credential: flags.credential }) });
  const api = await connect(flags);
  const path = await findMirror(api, project, name);
  const before = mirrorSchema.parse(await api.call("GET", path));
  refuseOtherDirection(before.direction, flags);
  const password = flags.passwordStdin ? await readPassword("heliostat mirror edit") : null;
  const answer = await api.call("PUT", path, {
    ...settings,
    ...files,
    ...(password === null ? {} : { auth_password: password }),
    ...(typeof flags.credential === "string"
      ? { credential_id: await findCredentialId(api, flags.credential) }
      : flags.credential === false
        ? { credential_id: null }
        : {}),
  });
  if (flags.json) printJson(answer);
  else {
    console.log(describeChange(project, before, mirrorSchema.parse(answer)));
    if (password !== null) console.log("The new password is stored.");
  }
  return 0;
}

/** The options whose value stands in a file. */
async function readFiles(flags: EditFlags): Promise<Readonly<Record<string, unknown>>> {
  const read = async (option: string, path: string | false | undefined) =>
    typeof path === "string" ? await readTextFile(option, path) : path === false ? null : undefined;
  const hostKeys = await read("--host-keys", flags.hostKeys);
  return given({
    ssh_known_hosts: hostKeys,
    ssh_private_key: await read("--private-key", flags.privateKey),
    ca_certificates: await read("--ca-certificates", flags.caCertificates),
    client_certificate: await read("--client-certificate", flags.clientCertificate),
    client_key: flags.clientCertificate === false ? null : await read("--client-key", flags.clientKey),
  });
}

/** `heliostat mirror list`: of one project, or of all that the token may see. */
export async function listMirrors(project: string | null, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const projects =
    project === null
      ? (await api.list("/projects")).map((each) => projectSchema.parse(each).path_with_namespace)
      : [project];
  const listed: (object & { project: string })[] = [];
  for (const name of projects) {
    // Of projects that are only visible the mirrors are none of the caller's business.
    const answers = await api.list(mirrorsPath(name)).catch((error: unknown) => {
      const isHidden = error instanceof HeliostatError && error.code === "forbidden" && project === null;
      if (isHidden) return [];
      throw error;
    });
    for (const answer of answers) listed.push({ project: name, ...Object(answer) });
  }
  if (flags.json) printJson(listed);
  else {
    console.log(
      describeMirrors(listed.map((each) => ({ ...mirrorSchema.parse(each), project: each.project }))),
    );
  }
  return 0;
}

/** `heliostat mirror show`: state, options and the last updates. */
export async function showMirror(project: string, name: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const path = await findMirror(api, project, name);
  const answer = await api.call("GET", path);
  const updates = await api.call("GET", `${path}/updates?per_page=${SHOWN_UPDATES}`);
  if (flags.json) printJson({ mirror: answer, updates });
  else {
    const mirror = mirrorSchema.parse(answer);
    console.log(describeMirror(project, mirror, Object(answer), mirrorUpdateSchema.array().parse(updates)));
  }
  return 0;
}

/** `heliostat mirror sync`: an update now; with `--wait` to its end. */
export async function syncMirror(
  project: string,
  name: string,
  flags: CommonFlags & { readonly force?: boolean; readonly wait?: boolean },
): Promise<number> {
  const api = await connect(flags);
  const path = await findMirror(api, project, name);
  const [newest] = mirrorUpdateSchema.array().parse(await api.call("GET", `${path}/updates?per_page=1`));
  const answer = await api.call("POST", `${path}/sync`, flags.force ? { force: true } : {});
  if (flags.wait) return await waitForUpdate(api, path, newest?.id ?? 0, flags, {});
  if (flags.json) printJson(answer);
  else console.log(startText(answer));
  return 0;
}

/** `heliostat mirror test`: what the mirror can do at its remote. Exit code 1: something stands in the way. */
export async function testMirror(project: string, name: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const answer = await api.call("POST", `${await findMirror(api, project, name)}/test`, {});
  const report = connectionReportSchema.parse(answer);
  if (flags.json) printJson(answer);
  else console.log(describeReport(report));
  return report.code === null ? 0 : 1;
}

function startText(answer: unknown): string {
  const { status, next_update_at: at } = { status: "queued", next_update_at: null, ...Object(answer) };
  if (status === "running") return "An update runs already; another one follows it.";
  if (status === "later") return `The update starts at ${at}: the mirror ran a moment ago.`;
  return "The update starts now.";
}

/** `heliostat mirror cancel`: ends the update that runs. */
export async function cancelUpdate(project: string, name: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const answer = await api.call("POST", `${await findMirror(api, project, name)}/cancel`, {});
  if (flags.json) printJson(answer ?? {});
  else console.log("The update that runs, if there is one, ends now.");
  return 0;
}

/** `heliostat mirror remove`. Asks first, unless told not to. */
export async function removeMirror(
  project: string,
  name: string,
  flags: CommonFlags & { readonly yes?: boolean },
): Promise<number> {
  const api = await connect(flags);
  const path = await findMirror(api, project, name);
  const answer = await api.call("GET", path);
  const { id, direction, url } = mirrorSchema.parse(answer);
  const what = `Mirror ${id}: ${project} ${directionOf(direction)} ${plain(url ?? "-")}`;
  if (!flags.yes && !(await confirm(`${what}\nRemove it? What it has mirrored stays. [y/N] `, "remove it"))) {
    console.error("Nothing was removed.");
    return 1;
  }
  await api.call("DELETE", path);
  if (flags.json) printJson(answer);
  else console.log(`Mirror ${id} removed.`);
  return 0;
}

/** `heliostat mirror watch`: the update that runs, or else the next one, to its end. */
export async function watchMirror(
  project: string,
  name: string | undefined,
  flags: CommonFlags,
): Promise<number> {
  const api = await connect(flags);
  const path = await findMirrorOrOnly(api, project, name);
  const end = await watchUpdate(api, { path, after: null, show: flags.json ? "json" : "bar" });
  if (!flags.json) console.log(describeEnd(end, await readUpdate(api, path, end.id)));
  return end.status === "finished" ? 0 : 1;
}

async function waitForUpdate(
  api: ApiClient,
  path: string,
  after: number,
  flags: CommonFlags,
  rest: object,
): Promise<number> {
  const none = watchForNoUpdate(api, path, after);
  const show = flags.json ? "bar-only" : "bar";
  const watching = watchUpdate(api, { path, after, show, signal: none.signal }).finally(none.stop);
  const end = await watching.catch((error: unknown) => {
    if (error instanceof HeliostatError && error === none.signal.reason) return error;
    throw error;
  });
  if (end instanceof HeliostatError) {
    console.error(end.message);
    return 1;
  }
  const update = await api.call("GET", `${path}/updates/${end.id}?outcome=${CHANGED}`);
  if (flags.json) printJson({ ...rest, update });
  else console.log(describeEnd(end, mirrorUpdateSchema.parse(update)));
  return end.status === "finished" ? 0 : 1;
}

/** Thousands of names of refs to which nothing happened are no news. */
const CHANGED = "created,fast-forward,forced,deleted,diverged,held,rejected";

async function readUpdate(api: ApiClient, path: string, id: number): Promise<MirrorUpdateAnswer> {
  return mirrorUpdateSchema.parse(await api.call("GET", `${path}/updates/${id}?outcome=${CHANGED}`));
}

/** Where the API has the mirrors of a project. */
export function mirrorsPath(project: string): string {
  return `${projectPath(project)}/mirrors`;
}

/**
 * A mirror's path by its id or, where the project has one of it, its direction. `parameter-invalid` and `not-found` name
 * the mirrors that there are.
 */
export async function findMirror(api: ApiClient, project: string, name: string): Promise<string> {
  if (isId(name)) return `${mirrorsPath(project)}/${name}`;
  const isDirection = MIRROR_DIRECTIONS.some((word) => word === name);
  const [one, ...others] = (await mirrorsOf(api, project)).filter(({ direction }) => direction === name);
  if (!isDirection) {
    throw new HeliostatError(
      "parameter-invalid",
      `MIRROR is the id of a mirror, or "pull" or "push". These are there: ${await namesOf(api, project)}`,
    );
  }
  if (one === undefined) {
    const there = await namesOf(api, project);
    throw new HeliostatError(
      "not-found",
      `${plain(project)} has no ${name} mirror. These are there: ${there}`,
    );
  }
  if (others.length > 0) {
    const there = await namesOf(api, project);
    throw new HeliostatError("parameter-invalid", `${plain(project)} has several, take an id: ${there}`);
  }
  return `${mirrorsPath(project)}/${one.id}`;
}

/** The same; without a name the only one of the project, or the only one that runs. */
export async function findMirrorOrOnly(
  api: ApiClient,
  project: string,
  name: string | undefined,
): Promise<string> {
  return await findMirror(api, project, name ?? (await onlyMirror(api, project)));
}

/** The id of the only mirror of a project, or of the only one that runs. */
async function onlyMirror(api: ApiClient, project: string): Promise<string> {
  const mirrors = await mirrorsOf(api, project);
  const running = mirrors.filter(({ update_status }) => update_status === "started");
  const [one, ...others] = running.length === 1 ? running : mirrors;
  if (one && others.length === 0) return String(one.id);
  throw new HeliostatError(
    "parameter-invalid",
    one ? `Name one of the mirrors: ${await namesOf(api, project)}` : `${project} has no mirror.`,
  );
}

async function mirrorsOf(api: ApiClient, project: string): Promise<readonly MirrorAnswer[]> {
  return mirrorSchema.array().parse(await api.call("GET", mirrorsPath(project)));
}

async function namesOf(api: ApiClient, project: string): Promise<string> {
  const names = (await mirrorsOf(api, project)).map(
    ({ id, direction, url }) => `${id} (${directionOf(direction)} ${plain(url ?? "-")})`,
  );
  return names.length === 0 ? "none" : names.join(", ");
}
