import { MIRROR_DELETIONS, MIRROR_DIRECTIONS, SSH_KEY_TYPES } from "@heliostat/contract";
import { HeliostatError } from "../../../domain/errors.ts";
import type { CommonFlags } from "../../connection/api-access.ts";

export interface AddFlags extends CommonFlags {
  readonly direction: string;
  readonly branches?: string;
  readonly onlyProtected?: boolean;
  readonly tags?: string;
  readonly deletions?: string;
  readonly keepDivergentRefs?: boolean;
  readonly overwriteDiverged?: boolean;
  readonly followDefaultBranch?: boolean;
  readonly interval?: string;
  readonly adaptive?: boolean;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  /** True: of the type that is made unless told. */
  readonly sshKey?: string | true;
  /** A file; `-`: standard input. */
  readonly hostKeys?: string;
  readonly credential?: string;
  readonly disabled?: boolean;
  readonly wait?: boolean;
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** The parameters of the API for a new mirror, without the password. `parameter-invalid` names the flag. */
export function readAddFlags(url: string, flags: AddFlags): object {
  refuseSecretIn(url);
  const isPull = flags.direction === "pull";
  const refuse = (flag: string, why: string) => {
    throw new HeliostatError("parameter-invalid", `${flag} ${why}`);
  };
  if (!MIRROR_DIRECTIONS.some((word) => word === flags.direction)) {
    refuse("--direction", `is one of ${MIRROR_DIRECTIONS.join(", ")}`);
  }
  if (flags.deletions !== undefined && !MIRROR_DELETIONS.some((word) => word === flags.deletions)) {
    refuse("--deletions", `is one of ${MIRROR_DELETIONS.join(", ")}`);
  }
  if (flags.branches !== undefined && flags.onlyProtected) {
    refuse("--branches", "and --only-protected exclude each other");
  }
  if (typeof flags.sshKey === "string" && !SSH_KEY_TYPES.some((word) => word === flags.sshKey)) {
    refuse("--ssh-key", `is one of ${SSH_KEY_TYPES.join(", ")}`);
  }
  if (flags.sshKey !== undefined && flags.passwordStdin) {
    refuse("--ssh-key", "and --password-stdin exclude each other");
  }
  if (flags.hostKeys === "-" && flags.passwordStdin) {
    refuse("--host-keys", "and --password-stdin cannot both read standard input");
  }
  const isBeside = [flags.username, flags.passwordStdin, flags.sshKey].some((flag) => flag !== undefined);
  if (flags.credential !== undefined && isBeside) {
    refuse("--credential", "takes the place of --username, --password-stdin and --ssh-key");
  }
  if (flags.disabled && flags.wait) refuse("--wait", "would wait for ever: --disabled starts no update");
  // What the other direction would silently ignore is most likely a mistake.
  if (isPull && flags.keepDivergentRefs) refuse("--keep-divergent-refs", "is for push mirrors");
  const ofPull = {
    "--overwrite-diverged": flags.overwriteDiverged,
    "--follow-default-branch": flags.followDefaultBranch,
    "--interval": flags.interval !== undefined,
    "--adaptive": flags.adaptive,
  };
  for (const [flag, isGiven] of Object.entries(ofPull)) {
    if (!isPull && isGiven) refuse(flag, "is for pull mirrors");
  }
  return {
    direction: flags.direction,
    url,
    enabled: !flags.disabled,
    ...(flags.username === undefined ? {} : { auth_user: flags.username }),
    ...(flags.sshKey === undefined ? {} : { auth_method: "ssh_public_key" }),
    ...(typeof flags.sshKey === "string" ? { ssh_key_type: flags.sshKey } : {}),
    ...(flags.branches === undefined ? {} : { mirror_branch_regex: flags.branches }),
    ...(flags.onlyProtected ? { only_protected_branches: true } : {}),
    ...(flags.tags === undefined ? {} : { mirror_tags: flags.tags }),
    ...(flags.deletions === undefined ? {} : { mirror_deletions: flags.deletions }),
    ...(flags.keepDivergentRefs ? { keep_divergent_refs: true } : {}),
    ...(flags.overwriteDiverged ? { overwrites_diverged_branches: true } : {}),
    ...(flags.followDefaultBranch ? { follow_default_branch: true } : {}),
    ...(flags.interval === undefined ? {} : { interval_seconds: readDuration(flags.interval) }),
    ...(flags.adaptive ? { adaptive_interval: true } : {}),
  };
}

/** Everybody on a machine can read the command lines of all, and shells keep them. A user name of SSH is no secret. */
export function refuseSecretIn(text: string): void {
  const url = URL.parse(text);
  const isSecret =
    url !== null && (url.password !== "" || (/^https?:$/.test(url.protocol) && url.username !== ""));
  if (!isSecret) return;
  throw new HeliostatError(
    "parameter-invalid",
    "The URL holds a user name or a password, and others on this machine can read command lines. " +
      "Give the user with --username, and the password or token with --password-stdin.",
  );
}

/** Seconds of a time such as `90s`, `5m`, `2h` or `1d`; `parameter-invalid` for anything else. */
export function readDuration(text: string): number {
  const [, number = "", unit = "s"] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  const seconds = Number(number) * (SECONDS[unit as keyof typeof SECONDS] ?? 1);
  if (number === "" || seconds < 1) {
    throw new HeliostatError("parameter-invalid", "--interval is a time such as 90s, 5m, 2h or 1d");
  }
  return seconds;
}
