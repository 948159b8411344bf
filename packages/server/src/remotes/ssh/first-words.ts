import type { RemoteAccess } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { quoteRemote } from "../remote-errors.ts";

/** How Git's own answer goes on after the length of its first line: a version, a refusal, or the first ref's object. */
const FIRST_LINE = /^(?:version |ERR |[0-9a-f]{8})/;
/** The same anywhere in a text, which before it is somebody else's. */
const GITS_OWN = /[0-9a-f]{4}(?:version \d|ERR |[0-9a-f]{40})|0000$/i;
const HEAD_BYTES = 12;
const MAX_QUOTED = 120;

/**
 * What the first bytes of a command's output are: `git`, it speaks Git; `noise`, somebody else speaks, a login script
 * perhaps; null: too few to tell.
 */
export function judgeFirstWords(bytes: Buffer): "git" | "noise" | null {
  const head = bytes.toString("latin1", 0, HEAD_BYTES);
  if (!/^[0-9a-f]{0,4}$/i.test(head.slice(0, 4))) return "noise";
  if (head.length < 4) return null;
  if (head.startsWith("0000")) return "git";
  if (head.length === HEAD_BYTES) return FIRST_LINE.test(head.slice(4)) ? "git" : "noise";
  // A line that ends, or words that differ, before there is enough to compare.
  const rest = head.slice(4);
  const mayBecomeGit = ["version ", "ERR "].some((word) => word.startsWith(rest.slice(0, word.length)));
  if (rest.startsWith("ERR ")) return "git";
  return mayBecomeGit || /^[0-9a-f]*$/.test(rest) ? null : "noise";
}

/** The error for output that begins with what is not Git. `text`: what came so far. */
export function noiseError(text: string, remote: RemoteAccess, host: string): HeliostatError {
  const said = quoteRemote(text.slice(0, GITS_OWN.exec(text)?.index), remote);
  const quoted = said.length > MAX_QUOTED ? `${said.slice(0, MAX_QUOTED)}…` : said;
  const what = quoted === "" ? "blank lines" : "text";
  return new HeliostatError(
    "remote-noise",
    `${host} prints ${what} before it speaks Git${quoted === "" ? "" : `: '${quoted}'`}. Somebody's login script on the server (.bashrc, a forced command) must not print anything for sessions without a terminal.`,
  );
}
