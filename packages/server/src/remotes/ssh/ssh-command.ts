import type { RemoteService } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { RemoteUrl } from "../../domain/remote-url.ts";

/** What follows the authority of a URL that was parsed. */
const PATH = /^ssh:\/\/[^/?#]*(.*)$/s;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The command that git would have ssh run: the path as git reads it from an `ssh://` URL (percent-decoded, `/~user/…`
 * without its slash), quoted for the shell that takes it. `url-invalid` when there is no path, or none that is UTF-8.
 * A path begins with `/` or `~`: no shell or git takes it for an option.
 */
export function commandOf(service: RemoteService, url: RemoteUrl): string {
  const path = decode(PATH.exec(url)?.[1] ?? "").replace(/^\/(?=~)/, "");
  if (!/^[/~]/.test(path)) throw new HeliostatError("url-invalid", "The URL names no path on the host.");
  return `${service} ${quote(path)}`;
}

/** As git's own `sq_quote`: in single quotes, those and exclamation marks outside of them, behind a backslash. */
function quote(text: string): string {
  return `'${text.replace(/['!]/g, (mark) => `'\\${mark}'`)}'`;
}

/** As git decodes: a `%` that encodes nothing stands for itself. */
function decode(text: string): string {
  const bytes = Buffer.from(text, "utf8")
    .toString("latin1")
    .replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  let decoded: string;
  try {
    decoded = UTF8.decode(Buffer.from(bytes, "latin1"));
  } catch (cause) {
    throw new HeliostatError("url-invalid", "The URL's path is not UTF-8.", { cause });
  }
  // The attack: a line break or a NUL would end the command, for some shells.
  if (/\p{Cc}/u.test(decoded)) throw new HeliostatError("url-invalid", "URI is invalid");
  return decoded;
}
