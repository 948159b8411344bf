import { MIRROR_DELETIONS, type MirrorDirection, SSH_KEY_TYPES } from "@heliostat/contract";
import { HeliostatError } from "../../../domain/errors.ts";
import type { CommonFlags } from "../../connection/api-access.ts";
import { given, parseWord } from "../../parse-options.ts";
import { readDuration, refuseSecretIn } from "./mirror-flags.ts";

/** False: the word with `--no-`. */
export interface EditFlags extends CommonFlags {
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly newUrl?: string;
  readonly branches?: string;
  readonly onlyProtected?: boolean;
  readonly allBranches?: boolean;
  readonly tags?: string;
  readonly deletions?: string;
  readonly keepDivergentRefs?: boolean;
  readonly overwriteDiverged?: boolean;
  readonly followDefaultBranch?: boolean;
  readonly interval?: string;
  readonly adaptive?: boolean;
  readonly triggerBuilds?: boolean;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly password?: boolean;
  readonly credential?: string | false;
  readonly sshKey?: string | true;
  readonly newSshKey?: boolean;
  readonly privateKey?: string;
  readonly hostKeys?: string;
  readonly caCertificates?: string | false;
  readonly clientCertificate?: string | false;
  readonly clientKey?: string;
}

/** The parameters of the API for what is to change, without what stands in files and on standard input. */
export function readEditFlags(flags: EditFlags): Readonly<Record<string, unknown>> {
  if (flags.newUrl !== undefined) refuseSecretIn(flags.newUrl);
  refuseTogether(flags);
  return given({
    enabled: flags.enable ?? (flags.disable ? false : undefined),
    url: flags.newUrl,
    ...readBranches(flags),
    mirror_tags: flags.tags,
    mirror_deletions:
      flags.deletions === undefined ? undefined : parseWord("--deletions", flags.deletions, MIRROR_DELETIONS),
    keep_divergent_refs: flags.keepDivergentRefs,
    overwrites_diverged_branches: flags.overwriteDiverged,
    follow_default_branch: flags.followDefaultBranch,
    interval_seconds:
      flags.interval === undefined
        ? undefined
        : flags.interval === "default"
          ? null
          : readDuration(flags.interval),
    adaptive_interval: flags.adaptive,
    trigger_builds: flags.triggerBuilds,
    ...readSignIn(flags),
  });
}

function readBranches({
  branches,
  onlyProtected,
  allBranches,
}: EditFlags): Readonly<Record<string, unknown>> {
  if (allBranches) return { mirror_branch_regex: null, only_protected_branches: false };
  // Each of the two takes the place of the other.
  if (branches !== undefined) return { mirror_branch_regex: branches, only_protected_branches: false };
  return onlyProtected ? { mirror_branch_regex: null, only_protected_branches: true } : {};
}

function readSignIn(flags: EditFlags): Readonly<Record<string, unknown>> {
  const isByKey = flags.sshKey !== undefined || flags.newSshKey || flags.privateKey !== undefined;
  const isByPassword = flags.passwordStdin || flags.password === false;
  return {
    auth_method: isByKey ? "ssh_public_key" : isByPassword ? "password" : undefined,
    auth_user: flags.password === false ? null : flags.username,
    auth_password: flags.password === false ? null : undefined,
    ssh_key_type:
      typeof flags.sshKey === "string" ? parseWord("--ssh-key", flags.sshKey, SSH_KEY_TYPES) : undefined,
    regenerate_ssh_private_key: flags.newSshKey,
  };
}

function refuseTogether(flags: EditFlags): void {
  const isGiven: Readonly<Record<string, boolean>> = {
    "--enable": flags.enable === true,
    "--disable": flags.disable === true,
    "--branches": flags.branches !== undefined,
    "--only-protected": flags.onlyProtected === true,
    "--all-branches": flags.allBranches === true,
    "--password-stdin": flags.passwordStdin === true,
    "--no-password": flags.password === false,
    "--username": flags.username !== undefined,
    "--credential": typeof flags.credential === "string",
    "--ssh-key": flags.sshKey !== undefined,
    "--new-ssh-key": flags.newSshKey === true,
    "--private-key": flags.privateKey !== undefined,
    "--host-keys -": flags.hostKeys === "-",
    "--private-key -": flags.privateKey === "-",
  };
  for (const exclusive of EXCLUSIVE) {
    const [one, other] = exclusive.filter((name) => isGiven[name]);
    if (one !== undefined && other !== undefined) refuse(`${one} and ${other} exclude each other`);
  }
  const { clientCertificate, clientKey } = flags;
  if (typeof clientCertificate === "string" && clientKey === undefined)
    refuse("--client-certificate needs --client-key");
  if (clientKey !== undefined && typeof clientCertificate !== "string")
    refuse("--client-key needs --client-certificate");
}

const EXCLUSIVE = [
  ["--enable", "--disable"],
  ["--branches", "--only-protected", "--all-branches"],
  ["--password-stdin", "--no-password", "--credential", "--ssh-key"],
  ["--no-password", "--username"],
  ["--password-stdin", "--new-ssh-key"],
  ["--credential", "--username"],
  ["--private-key", "--new-ssh-key", "--password-stdin"],
  ["--private-key", "--credential"],
  ["--password-stdin", "--host-keys -"],
  ["--host-keys -", "--private-key -"],
] as const;

/** What the other direction would silently ignore is most likely a mistake. */
export function refuseOtherDirection(direction: MirrorDirection, flags: EditFlags): void {
  const { overwriteDiverged, followDefaultBranch, interval, adaptive, triggerBuilds, keepDivergentRefs } =
    flags;
  const ofOther: Readonly<Record<string, unknown>> =
    direction === "pull"
      ? { "keep-divergent-refs": keepDivergentRefs }
      : {
          "overwrite-diverged": overwriteDiverged,
          "follow-default-branch": followDefaultBranch,
          interval,
          adaptive,
          "trigger-builds": triggerBuilds,
        };
  const [name] = Object.keys(given(ofOther));
  if (name !== undefined) refuse(`--${name} is for ${direction === "pull" ? "push" : "pull"} mirrors`);
}

function refuse(message: string): never {
  throw new HeliostatError("parameter-invalid", message);
}
