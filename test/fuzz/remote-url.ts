import assert from "node:assert/strict";
import fc from "fast-check";
import { HeliostatError } from "../../packages/server/src/domain/errors.ts";
import {
  hostOf,
  type ParsedRemoteUrl,
  parseRemoteUrl,
  portOf,
  type RemoteUrl,
  sameRemote,
  schemeOf,
} from "../../packages/server/src/domain/remote-url.ts";
import { type FuzzTarget, mutated } from "./fuzz.ts";

const SEEDS = [
  "https://user:secret@example.com:8443/group/project.git?x=1",
  "http://example.com.:80/a%2fb/../c",
  "ssh://git@example.com:2222/~me/a.git",
  "ssh://user%40domain@[2001:db8::1]:22/a",
  "git@example.com:group/project.git",
  "first.last@[::ffff:127.0.0.1]:/srv/a%20b?c#d",
  "git@example.com:with space/a  b.git",
  "git://example.com/a",
  "https://xn--bcher-kva.example/a",
  "http://a.xn--p1ai/",
  "https://bücher.example/a",
  "https://127.0.0.1/a",
  "https://a@b@example.com/",
  "https://example.com:/a",
  // Broke it once.
  "git@example.com?.evil.example:a",
  "ssh://a@[evil.example]@example.com/a",
];
const DICTIONARY =
  "@ : / // \\ ? # % %40 %2f %2F %3a %5b %00 %0a %0d%0a %7f [ ] [::1] :: . .. - -- _ 0 00 080 80 65535 65536 0x7f 127.1 example.com evil.example xn-- xn--a xn--p1ai ssh:// git:// https:// HTTP:// ext:: @[ ~ + ; , | * ( ) ' \" < > { } ^ ` ü ß ﬀ 。 ．⁄ ℀ \u00ad \u200b \u0000 \t \r \n".split(
    " ",
  );

function parse(text: string): ParsedRemoteUrl | null {
  try {
    return parseRemoteUrl(text);
  } catch (error) {
    if (error instanceof HeliostatError && /^url-(?:invalid|blocked)$/.test(error.code)) return null;
    throw error;
  }
}

/** Whoever reads the URL as one of the Web's. */
function readAsWeb(url: RemoteUrl): { host: string; port: number } {
  const { hostname, port } = new URL(url.replace(/^[a-z]+/, "http"));
  return { host: hostname, port: port === "" ? 80 : Number(port) };
}

/**
 * As git reads `ssh://` and `git://`: the whole is decoded first, a host in brackets begins after the first `@[`, and ssh
 * cuts the user off at the last `@`.
 */
function readAsGit(url: RemoteUrl): { host: string; port: string } {
  const decoded = decodeURIComponent(url.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
  const [authority = ""] = decoded.slice(decoded.indexOf("://") + 3).split("/", 1);
  const bracket = authority.indexOf("@[");
  const place = bracket >= 0 ? authority.slice(bracket + 1) : authority.slice(authority.lastIndexOf("@") + 1);
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(place) ?? [];
  return { host: host.replaceAll(/^\[|\]$/g, "").toLowerCase(), port };
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

export const remoteUrl: FuzzTarget = {
  name: "remote-url",
  property: fc.property(mutated(SEEDS, DICTIONARY), (text) => {
    const parsed = parse(text);
    if (parsed === null) return;
    const { url } = parsed;
    const host = hostOf(url);
    const port = portOf(url);
    assert.ok(port >= 1 && port <= 65_535);
    assert.match(host, /^[a-z0-9:][a-z0-9_.:-]*$/);

    const again = parseRemoteUrl(url);
    assert.equal(again.url, url);
    assert.equal(again.password, null);
    assert.equal(again.username, schemeOf(url) === "ssh" ? parsed.username : null);
    assert.ok(sameRemote(url, again.url));

    const web = readAsWeb(url);
    assert.equal(web.host, new URL(`http://${bracketed(host)}/`).hostname);
    assert.equal(
      web.port,
      /:\d+$/.test(new URL(url).host) ? port : portOf(url.replace(/^[a-z]+/, "http") as RemoteUrl),
    );
    if (schemeOf(url) === "ssh" || schemeOf(url) === "git") {
      const git = readAsGit(url);
      assert.equal(git.host, host);
      assert.equal(git.port === "" ? port : Number(git.port), port);
    }
  }),
};
