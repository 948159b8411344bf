import type { RemoteAccess, RemoteService } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { encodePktLine } from "./pkt-line.ts";

/**
 * What a client of `git://` says first: `git-upload-pack PATH NUL host=HOST NUL NUL version=2 NUL`, as git's own client
 * words it. There is one version of the protocol for pushing, and none is asked for.
 */
export function encodeGitRequest({ url }: Pick<RemoteAccess, "url">, service: RemoteService): string {
  const { pathname, host } = new URL(url);
  const path = pathname.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  // The attack: a NUL or newline in the path would add parameters of the URL's choice.
  if (/\p{Cc}/u.test(path.replace(/[\x80-\x9f]/g, "")))
    throw new HeliostatError("url-blocked", "URI is invalid");
  const version = service === "git-upload-pack" ? "\0version=2\0" : "";
  return encodePktLine(`${service} ${path.replace(/^\/(?=~)/, "")}\0host=${host}\0${version}`);
}
