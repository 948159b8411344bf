import { fileURLToPath } from "node:url";

/** Protocols that git may speak in one call; git itself refuses all others. `screened`: a helper of ours, see there. */
export type Protocol = "http" | "https" | "git" | "file" | "fd" | "screened";

/** One line of configuration for one call: `["http.lowSpeedTime", "60"]`. A key may occur more than once. */
export type ConfigLine = readonly [key: string, value: string];

export interface EnvironmentOptions {
  /** Directories to find `git` and `sh` in, as in `PATH`. */
  readonly searchPath?: string;
  /** None unless told: a call that needs no remote can reach none. */
  readonly protocols?: readonly Protocol[];
  readonly config?: readonly ConfigLine[];
  readonly extra?: Readonly<Record<string, string>>;
}

const SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";
/** Helpers of ours that git starts, shipped with the server. */
const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));

/** Beside packs, which git brings to the disk by default: the loose objects of small pushes, which it leaves to chance. */
const DURABLE_OBJECTS = "loose-object";

/** For one call that writes very many refs: who makes it packs them afterwards, which brings them to the disk as one file. */
export const WITHOUT_FSYNC_OF_REFS: ConfigLine = ["core.fsync", DURABLE_OBJECTS];

/**
 * What holds for every call. Configuration goes by environment rather than by `-c`: it is inherited by every git that
 * git starts, and `safe.directory` is heeded there, while a repository's own configuration cannot set it.
 */
const CONFIG: readonly ConfigLine[] = [
  // Our repositories may belong to another user than the one we run as: a data directory carried over, a container.
  ["safe.directory", "*"],
  // Repositories are untrusted: nothing in them is ever run.
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.askPass", ""],
  // Empty: forgets the helpers listed before. Our own one-run helper is listed after.
  ["credential.helper", ""],
  ["protocol.ext.allow", "never"],
  // The address was checked for the host in the URL. A redirect would go to one that was not.
  ["http.followRedirects", "false"],
  ["http.proxy", ""],
  ["fetch.recurseSubmodules", "no"],
  ["push.recurseSubmodules", "no"],
  // Housekeeping has a time of its own, and never runs in the background of something else.
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["receive.autogc", "false"],
  // Whoever pushed has been told that it is here: a power failure must not leave empty objects and refs. Not `batch`,
  // which is as safe on macOS and Windows only. Measured: a push of one commit takes 10 to 50 ms longer.
  ["core.fsync", `${DURABLE_OBJECTS},reference`],
  // Advice and hints are for people at a terminal; they would drown the line that matters.
  ["advice.pushUpdateRejected", "false"],
  // Our bookkeeping refs are nobody's business.
  ["transfer.hideRefs", "refs/heliostat"],
];

/** The whole environment of one git call: built here, inherited from nowhere. */
export function makeEnvironment(options: EnvironmentOptions = {}): Record<string, string> {
  const config = [...CONFIG, ...(options.config ?? [])];
  const environment: Record<string, string> = {
    PATH: `${options.searchPath ?? SEARCH_PATH}:${PROGRAMS}`,
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    // Empty, not a program that answers nothing: git would send that nothing as the user's name.
    GIT_ASKPASS: "",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_REPLACE_OBJECTS: "1",
    // A newer git may prefer another format; `apply-changes` writes packed refs itself.
    GIT_DEFAULT_REF_FORMAT: "files",
    GIT_ALLOW_PROTOCOL: (options.protocols ?? []).join(":"),
    GIT_CONFIG_COUNT: String(config.length),
    ...options.extra,
  };
  config.forEach(([key, value], index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return environment;
}
