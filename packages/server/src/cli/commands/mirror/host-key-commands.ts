import {
  type HostKeyAnswer,
  type HostKeyReviewAnswer,
  hostKeyDetectionSchema,
  hostKeyReviewSchema,
  publicKeySchema,
} from "@heliostat/contract/api/host-keys.ts";
import { mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";
import { plain } from "../../terminal/plain.ts";
import { printJson } from "../../terminal/print.ts";
import { confirm } from "../../terminal/terminal-input.ts";
import { findMirror, mirrorsPath } from "./mirror-commands.ts";

/** `heliostat mirror public-key`: the line that goes to the remote. */
export async function showPublicKey(project: string, name: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const path = await findMirror(api, project, name);
  const answer = publicKeySchema.parse(await api.call("GET", `${path}/public_key`));
  if (flags.json) printJson(answer);
  else console.log(plain(answer.public_key));
  return 0;
}

/** `heliostat mirror host-keys show`: what is stored, and who looked at it. */
export async function showHostKeys(project: string, name: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const answer = mirrorSchema.parse(await api.call("GET", await findMirror(api, project, name)));
  const { host_keys, ssh_known_hosts, host_keys_verified_at, host_keys_verified_by } = answer;
  if (flags.json) {
    printJson({ host_keys, ssh_known_hosts, host_keys_verified_at, host_keys_verified_by });
    return 0;
  }
  if (host_keys.length === 0) console.log("No host keys are stored.");
  for (const key of host_keys) console.log(describeKey(key));
  if (host_keys_verified_at !== null) {
    console.log(
      `Verified by ${plain(host_keys_verified_by?.name ?? "a deleted user")} at ${host_keys_verified_at}`,
    );
  }
  return 0;
}

/** `heliostat mirror host-keys detect`: what the server of a URL shows, in the form that `--host-keys` reads. */
export async function detectHostKeys(project: string, url: string, flags: CommonFlags): Promise<number> {
  const api = await connect(flags);
  const query = new URLSearchParams({ ssh_url: url }).toString();
  const answer = await api.call("GET", `${mirrorsPath(project)}/ssh_host_keys?${query}`);
  const { fingerprints, known_hosts } = hostKeyDetectionSchema.parse(answer);
  if (flags.json) printJson(answer);
  else {
    for (const key of fingerprints) console.log(`# ${describeKey(key)}`);
    for (const line of known_hosts.split("\n")) console.log(plain(line));
  }
  return 0;
}

export interface AcceptFlags extends CommonFlags {
  readonly fingerprint?: readonly string[];
  readonly yes?: boolean;
}

/** `heliostat mirror host-keys accept`: stores what the server shows now. Shows the difference and asks first. */
export async function acceptHostKeys(project: string, name: string, flags: AcceptFlags): Promise<number> {
  const api = await connect(flags);
  const path = await findMirror(api, project, name);
  const fingerprints = flags.fingerprint ?? (await review());
  if (fingerprints === null) return 1;
  const answer = await api.call("POST", `${path}/host_keys/accept`, { fingerprints });
  if (flags.json) printJson(answer);
  else console.log(`Accepted ${fingerprints.length} host keys.${nextOf(answer)}`);
  return 0;

  async function review(): Promise<readonly string[] | null> {
    const seen = hostKeyReviewSchema.parse(await api.call("GET", `${path}/host_keys/review`));
    // Standard output is for the answer.
    console.error(describeReview(seen));
    if (seen.fingerprints.length === 0) {
      throw new HeliostatError(
        "conflict",
        "The server shows nothing but keys that are marked as revoked: nothing was accepted.",
      );
    }
    const question =
      seen.revoked.length === 0
        ? "Are these the keys of the server? [y/N] "
        : "Are the others the keys of the server? A revoked one stays revoked. [y/N] ";
    if (flags.yes || (await confirm(question, "accept what the server shows"))) {
      return seen.fingerprints;
    }
    console.error("Nothing was accepted.");
    return null;
  }
}

function nextOf(answer: unknown): string {
  return mirrorSchema.parse(answer).enabled ? " An update starts now." : "";
}

function describeReview({ added, removed, kept, revoked }: HostKeyReviewAnswer): string {
  const lines = (sign: string, keys: readonly HostKeyAnswer[]) =>
    keys.map((key) => `${sign} ${describeKey(key)}`);
  return [
    ...lines("  stored and shown:   ", kept),
    ...lines("- stored, not shown:  ", removed),
    ...lines("+ shown, not stored:  ", added),
    ...lines("! shown, but revoked: ", revoked),
  ].join("\n");
}

/** As `ssh-keygen -l` has it. */
function describeKey({ bits, fingerprint_sha256, type }: HostKeyAnswer): string {
  return plain(`${bits} ${fingerprint_sha256} (${type.toUpperCase()})`);
}
