import type { RemoteAccess } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { closedError, quoteRemote, refusalError } from "../remote-errors.ts";

/** How a command at the remote ended. */
export interface CommandExit {
  /** Null when a signal ended it, or the server does not tell. */
  readonly code: number | null;
  readonly signalName: string | null;
  /** The end of what it wrote to standard error. */
  readonly stderr: string;
}

/** What the shell of the host says when it has no git. */
const NO_GIT = /git-(?:upload|receive)-pack['"]?: (?:command )?not found|not recognized as/i;
/** Of hosts, beside the words that every remote may use. Both kinds in one sentence: nobody is to learn that it exists. */
const NOT_FOUND = /could not be found|cannot find|project .* not found|no longer exists|is not valid/i;
const FORBIDDEN =
  /\bread[- ]only\b|not available|\bblocked\b|\bsuspended\b|\bexpired\b|serves git only|restricted/i;
/** Frames that hosts draw round their words, and what git adds to them. */
const DECORATION =
  /^[=\-*#\s]*$|^fatal: Could not read from remote|^Please make sure|^and the repository exists/i;

/** Why a command that should have spoken Git did not end well, from what the host's shell, git or hosting program said. */
export function commandError(exit: CommandExit, remote: RemoteAccess, host: string): HeliostatError {
  const lines = exit.stderr
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^remote: ?/, "").trim())
    .filter((line) => !DECORATION.test(line));
  const said = lines.join(" ");
  if (exit.code === 127 || NO_GIT.test(said)) {
    return new HeliostatError(
      "remote-not-git",
      `${host} has no git for this user: ${quoteRemote(said, remote)}`,
    );
  }
  // The line that says it, rather than a greeting before it.
  const line = lines.find((each) => /^(?:error|fatal)\b/i.test(each)) ?? lines.find((each) => each !== "");
  if (line === undefined) return closedError(host);
  if (/hung up|early EOF/i.test(line)) return closedError(host);
  const words = quoteRemote(said, remote);
  if (/\bdenied\b/i.test(said)) return new HeliostatError("remote-forbidden", `${host} refuses: ${words}`);
  if (NOT_FOUND.test(said)) return new HeliostatError("remote-not-found", `${host} refuses: ${words}`);
  const known = refusalError(said, remote, host);
  if (known.code !== "remote-not-git") return known;
  if (FORBIDDEN.test(said)) return new HeliostatError("remote-forbidden", `${host} refuses: ${words}`);
  return new HeliostatError("remote-closed", `${host} ended the conversation: ${words}`);
}
