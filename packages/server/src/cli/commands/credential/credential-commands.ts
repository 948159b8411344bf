import { CREDENTIAL_KINDS, MIRROR_DIRECTIONS, SSH_KEY_TYPES } from "@heliostat/contract";
import { connectionReportSchema } from "@heliostat/contract/api/connection-tests.ts";
import {
  type CredentialAnswer,
  credentialSchema,
  credentialUseSchema,
} from "@heliostat/contract/api/credentials.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";
import { findNamespaceId } from "../../connection/find.ts";
import { parseWord, readTextFile } from "../../parse-options.ts";
import { plain } from "../../terminal/plain.ts";
import { printJson } from "../../terminal/print.ts";
import { table } from "../../terminal/table.ts";
import { confirm, readPassword } from "../../terminal/terminal-input.ts";
import { describeReport } from "../mirror/connection-report.ts";
import { refuseSecretIn } from "../mirror/mirror-flags.ts";
import { findCredentialId } from "./find-credential.ts";

export interface SecretFlags extends CommonFlags {
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly keyFile?: string;
  readonly keyType?: string;
  readonly expires?: string;
}

export interface CredentialFlags extends SecretFlags {
  readonly kind?: string;
  readonly namespace?: string;
}

export interface TestFlags extends CommonFlags {
  readonly direction?: string;
  readonly hostKeys?: string;
}

/** `heliostat credential add`. Like all of these it answers the exit code: 0 done, 1 it failed. */
export async function addCredential(name: string, flags: CredentialFlags): Promise<number> {
  if (flags.kind !== undefined) parseWord("--kind", flags.kind, CREDENTIAL_KINDS);
  const api = await connect(flags);
  const namespace =
    flags.namespace === undefined ? {} : { namespace_id: await findNamespaceId(api, flags.namespace) };
  const kind = flags.kind === undefined ? {} : { kind: flags.kind };
  const secret = await readSecret(flags);
  const answer = await api.call("POST", "/credentials", { name, ...kind, ...namespace, ...secret });
  const credential = credentialSchema.parse(answer);
  if (flags.json) printJson(answer);
  else console.log([`Credential ${credential.id} added.`, ...publicKeyLines(credential)].join("\n"));
  return 0;
}

/** `heliostat credential list`. */
export async function listCredentials(flags: CommonFlags & { readonly search?: string }): Promise<number> {
  const api = await connect(flags);
  const search = flags.search === undefined ? "" : `?search=${encodeURIComponent(flags.search)}`;
  const answers = await api.list(`/credentials${search}`);
  if (flags.json) printJson(answers);
  else {
    const credentials = credentialSchema.array().parse(answers);
    const rows = credentials.map((each) => [
      String(each.id),
      each.name,
      each.namespace.full_path,
      each.kind,
      String(each.mirrors_count),
      stateOf(each),
    ]);
    const heads = ["ID", "NAME", "OF", "KIND", "MIRRORS", "STATE"];
    console.log(rows.length === 0 ? "There are no credentials." : table([heads, ...rows]));
  }
  return 0;
}

/** `heliostat credential show`: what is known of it, and the mirrors that use it. */
export async function showCredential(name: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const path = `/credentials/${await findCredentialId(api, name)}`;
  const answer = await api.call("GET", path);
  const mirrors = await api.list(`${path}/mirrors`);
  if (flags.json) {
    printJson({ credential: answer, mirrors });
    return 0;
  }
  const credential = credentialSchema.parse(answer);
  const uses = credentialUseSchema.array().parse(mirrors);
  console.log(
    [
      `Credential ${credential.id}: ${plain(credential.name)} of ${credential.namespace.full_path} (${credential.kind})`,
      `State: ${stateOf(credential)}`,
      `User name: ${credential.username === null ? "-" : plain(credential.username)}`,
      `Rotated: ${credential.rotated_at}`,
      ...publicKeyLines(credential),
      "",
      ...(uses.length === 0
        ? ["No mirror uses it."]
        : [
            table([
              ["MIRROR", "PROJECT", "DIRECTION", "URL", "STATUS"],
              ...uses.map((use) => [
                String(use.mirror_id),
                use.project_path,
                use.direction,
                use.url,
                use.enabled ? use.update_status : `${use.update_status} (off)`,
              ]),
            ]),
          ]),
    ].join("\n"),
  );
  return 0;
}

/** `heliostat credential rotate`. */
export async function rotateCredential(name: string, flags: SecretFlags): Promise<number> {
  const api = await connect(flags);
  const id = await findCredentialId(api, name);
  const answer = await api.call("POST", `/credentials/${id}/rotate`, await readSecret(flags));
  const credential = credentialSchema.parse(answer);
  const { mirrors_count: count } = credential;
  const mirrors = count === 1 ? "1 mirror goes" : `${count} mirrors go`;
  const isMadeHere = credential.kind === "ssh_key" && flags.keyFile === undefined;
  const then = isMadeHere
    ? "\nUpdates fail until it is known: add the public key wherever the old one is, then start them."
    : "";
  if (flags.json) printJson(answer);
  else {
    const done = `Credential ${id} rotated: ${mirrors} on with the new secret.${then}`;
    console.log([done, ...publicKeyLines(credential)].join("\n"));
  }
  return 0;
}

/** `heliostat credential remove`. Asks first, unless told not to. */
export async function removeCredential(
  name: string,
  flags: CommonFlags & { readonly yes?: boolean },
): Promise<number> {
  const api = await connect(flags);
  const path = `/credentials/${await findCredentialId(api, name)}`;
  const answer = await api.call("GET", path);
  const { id, name: full, namespace } = credentialSchema.parse(answer);
  const question = `Credential ${id}: ${plain(full)} of ${namespace.full_path}\nRemove it? [y/N] `;
  if (!flags.yes && !(await confirm(question, "remove it"))) {
    console.error("Nothing was removed.");
    return 1;
  }
  await api.call("DELETE", path);
  if (flags.json) printJson(answer);
  else console.log(`Credential ${id} removed.`);
  return 0;
}

/** `heliostat credential test`. Exit code 1: what the direction needs cannot be done. */
export async function testCredential(name: string, remote: string, flags: TestFlags): Promise<number> {
  refuseSecretIn(remote);
  if (flags.direction !== undefined) parseWord("--direction", flags.direction, MIRROR_DIRECTIONS);
  const api = await connect(flags);
  const id = await findCredentialId(api, name);
  const answer = await api.call("POST", `/credentials/${id}/test`, {
    url: remote,
    ...(flags.direction === undefined ? {} : { direction: flags.direction }),
    ...(flags.hostKeys === undefined ? {} : { host_keys: await readTextFile("--host-keys", flags.hostKeys) }),
  });
  const report = connectionReportSchema.parse(answer);
  if (flags.json) printJson(answer);
  else console.log(describeReport(report));
  return report.code === null ? 0 : 1;
}

async function readSecret(flags: SecretFlags): Promise<object> {
  if (flags.keyType !== undefined) parseWord("--key-type", flags.keyType, SSH_KEY_TYPES);
  return {
    ...(flags.username === undefined ? {} : { username: flags.username }),
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
    ...(flags.keyType === undefined ? {} : { key_type: flags.keyType }),
    ...(flags.keyFile === undefined ? {} : { private_key: await readTextFile("--key-file", flags.keyFile) }),
    ...(flags.passwordStdin ? { password: await readPassword("heliostat credential") } : {}),
  };
}

function stateOf({ needs_secret, expired, expires_soon, expires_at }: CredentialAnswer): string {
  if (needs_secret) return "needs its secret again: rotate it";
  if (expired) return `expired at ${expires_at}`;
  if (expires_soon) return `expires soon, at ${expires_at}`;
  return expires_at === null ? "good" : `good until ${expires_at}`;
}

function publicKeyLines({ public_key, fingerprint }: CredentialAnswer): readonly string[] {
  if (public_key === null) return [];
  return [`Public key: ${plain(public_key)}`, `Fingerprint: ${fingerprint ?? "-"}`];
}
