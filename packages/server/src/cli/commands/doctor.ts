import { stat } from "node:fs/promises";
import { SECRET_KINDS, type SecretKind } from "@heliostat/contract";
import { mirrorOfAnyProjectSchema } from "@heliostat/contract/api/mirror-attention.ts";
import { failingHostSchema } from "@heliostat/contract/api/mirror-hosts.ts";
import { mirrorNeedingSecretSchema, secretsStateSchema } from "@heliostat/contract/api/secrets.ts";
import type { Command } from "commander";
import { z } from "zod";
import { readProcessSettings } from "../../config/settings.ts";
import { asHeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, chooseServer, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { CHECKOUT_DIR } from "../places.ts";
import { describeUse, withServer } from "../server-command.ts";
import { plain } from "../terminal/plain.ts";
import { printJson } from "../terminal/print.ts";
import { SECRET_NAMES } from "./admin/secret-names.ts";

/** One thing that was looked at. `fix`: what to do, where it is not well. */
interface Finding {
  readonly what: string;
  readonly isWell: boolean;
  readonly message: string;
  readonly fix?: string;
  /** What it is about, one each. */
  readonly details?: readonly string[];
}

const readinessSchema = z.record(z.string(), z.unknown());

/** Declares `heliostat doctor`: looks at the server and its mirrors. Exit code 1 when something is to be done. */
export function declareDoctor(command: Command): void {
  withServer(command)
    .addHelpText(
      "after",
      describeUse(
        "The token must be an admin's. Exit codes: 0 all is well, 1 something is to be done, 2 usage.",
        "doctor",
      ),
    )
    .action(async (flags: CommonFlags) => {
      process.exitCode = await examine(flags);
    });
}

async function examine(flags: CommonFlags): Promise<number> {
  const findings = await collect(flags);
  const isWell = findings.every((finding) => finding.isWell);
  if (flags.json) {
    printJson({
      ok: isWell,
      checks: findings.map(({ what, isWell: ok, ...rest }) => ({ name: what, ok, ...rest })),
    });
    return isWell ? 0 : 1;
  }
  for (const { what, isWell: well, message, fix, details = [] } of findings) {
    console.log(`${well ? "ok     " : "PROBLEM"}  ${what}: ${message}`);
    for (const detail of details) console.log(`           - ${detail}`);
    if (fix !== undefined) console.log(`           ${fix}`);
  }
  return isWell ? 0 : 1;
}

async function collect(flags: CommonFlags): Promise<readonly Finding[]> {
  const chosen = await chooseServer(flags);
  // Who names the server by a variable may well be on its machine; who signed in to it elsewhere is not.
  const isLocal = flags.url === undefined && (chosen.isLocal || chosen.settings.serverUrl !== null);
  const api = await connect(flags);
  const server = await examineServer(api.url);
  const ofFile = isLocal ? await examineSecretsFile() : [];
  if (!server.isWell) return [server, ...ofFile];
  const asked = await Promise.all([
    attempt("secrets", () => examineSecrets(api)),
    attempt("mirrors", () => examineMirrors(api)),
    attempt("second factors", () => examineSecondFactors(api)),
    attempt("attention", () => examineAttention(api)),
    attempt("hosts", () => examineHosts(api)),
  ]);
  return [server, ...ofFile, ...asked];
}

async function attempt(what: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return { what, isWell: false, message: asHeliostatError(error).message };
  }
}

async function examineServer(url: string): Promise<Finding> {
  const what = "server";
  try {
    const response = await fetch(`${url}/-/readiness`, { redirect: "error" });
    const checks = readinessSchema.parse(await response.json());
    if (response.ok) return { what, isWell: true, message: `${url} is ready` };
    return { what, isWell: false, message: `${url} is not ready: ${plain(JSON.stringify(checks))}` };
  } catch {
    return {
      what,
      isWell: false,
      message: `${url} does not answer`,
      fix: 'Start it with "npm start", or name another one with --url.',
    };
  }
}

/** The file of this machine's server, as the environment names it. */
async function examineSecretsFile(): Promise<readonly Finding[]> {
  const what = "secrets file";
  const path = readProcessSettings({ checkoutDir: CHECKOUT_DIR }).secretsFile;
  const found = await stat(path).catch(() => null);
  if (found === null) {
    const fix = "Put it back from its backup. If there is none, enter the secrets below again.";
    return [{ what, isWell: false, message: `${path} is not there`, fix }];
  }
  const isPrivate = (found.mode & 0o077) === 0;
  return [
    isPrivate
      ? { what, isWell: true, message: `${path} is there, for its owner only` }
      : { what, isWell: false, message: `${path} can be read by others`, fix: `chmod 600 ${path}` },
  ];
}

async function examineSecrets(api: ApiClient): Promise<Finding> {
  const { keys } = secretsStateSchema.parse(await api.call("GET", "/application/secrets"));
  const lost = keys.filter(({ known }) => !known);
  const sealed = keys.reduce((sum, { secrets }) => sum + secrets, 0);
  if (lost.length === 0) return { what: "secrets", isWell: true, message: `all ${sealed} can be opened` };
  return {
    what: "secrets",
    isWell: false,
    message: `${lost.reduce((sum, { secrets }) => sum + secrets, 0)} of ${sealed} cannot be opened`,
    details: lost.map(
      ({ id, secrets }) => `${secrets} sealed with the key ${id}, which is not in the secrets file`,
    ),
    fix: "Put the file with these keys back: no restart is needed for what runs next.",
  };
}

async function examineSecondFactors(api: ApiClient): Promise<Finding> {
  const what = "second factors";
  const state = secretsStateSchema.parse(await api.call("GET", "/application/secrets"));
  const names = state.users_without_second_factor;
  if (names.length === 0) return { what, isWell: true, message: "all can be checked" };
  return {
    what,
    isWell: false,
    message: `${names.length} cannot be checked: codes of their apps are refused`,
    details: names.map(plain),
    fix:
      "Put the secrets file back. Until then these people sign in with a recovery code; for those who have none, " +
      '"heliostat admin disable-two-factor USER".',
  };
}

async function examineMirrors(api: ApiClient): Promise<Finding> {
  const mirrors = z.array(mirrorNeedingSecretSchema).parse(await api.list("/mirrors/needing_secret"));
  if (mirrors.length === 0) return { what: "mirrors", isWell: true, message: "none needs its secret again" };
  return {
    what: "mirrors",
    isWell: false,
    message: `${mirrors.length} need their secret again`,
    details: mirrors.map(({ id, project_path, direction, url, kinds, credential }) => {
      const secrets = kinds.map((kind) =>
        credential === null || kind === "client_key" || kind === "hook_secret"
          ? SECRET_NAMES[kind]
          : `${SECRET_NAMES[kind]} of the credential ${plain(credential.name)}`,
      );
      return `${plain(project_path)}: ${direction} mirror ${id}, ${plain(url)}: ${secrets.join(", ")}`;
    }),
    fix: [
      "Give them again by PUT /projects/:id/mirrors/:mirror_id, or rotate the named credential.",
      ...SECRET_KINDS.filter((kind) => mirrors.some(({ kinds }) => kinds.includes(kind))).map(
        (kind) => `A ${SECRET_NAMES[kind]} by ${WAYS_TO_GIVE[kind]}.`,
      ),
    ].join(" "),
  };
}

const WAYS_TO_GIVE: Readonly<Record<SecretKind, string>> = {
  password: "auth_password",
  ssh_key: "regenerate_ssh_private_key=true, and its public key at the host",
  client_key: "client_certificate and client_key",
  hook_secret: "POST /projects/:id/mirrors/:mirror_id/hook_secret, and at the host's webhook",
};

/** What else waits for somebody than lost secrets. */
async function examineAttention(api: ApiClient): Promise<Finding> {
  const what = "attention";
  const mirrors = z.array(mirrorOfAnyProjectSchema).parse(await api.list("/mirrors/attention"));
  const waiting = mirrors.filter(({ reasons }) => reasons.some((reason) => reason !== "needs-secret"));
  if (waiting.length === 0) return { what, isWell: true, message: "no mirror waits for somebody" };
  return {
    what,
    isWell: false,
    message: `${waiting.length} ${waiting.length === 1 ? "mirror waits" : "mirrors wait"} for somebody`,
    details: waiting.map(({ id, project_path, direction, reasons, last_error }) => {
      const why = reasons.filter((reason) => reason !== "needs-secret").join(", ");
      const error = last_error === null ? "" : `: ${plain(last_error)}`;
      return `${plain(project_path)}: ${direction} mirror ${id}: ${why}${error}`;
    }),
    fix: `See ${api.url}/-/mirrors, or "heliostat mirror show".`,
  };
}

async function examineHosts(api: ApiClient): Promise<Finding> {
  const hosts = z.array(failingHostSchema).parse(await api.call("GET", "/mirrors/hosts"));
  const paused = hosts.filter(({ paused_until }) => paused_until !== null);
  if (paused.length === 0)
    return { what: "hosts", isWell: true, message: "all that mirrors speak to answer" };
  return {
    what: "hosts",
    isWell: false,
    message: `${paused.length} do not answer`,
    details: paused.map(({ host, last_error }) => `${host}: ${plain(last_error)}`),
    fix: "Their mirrors wait and are tried by themselves.",
  };
}
