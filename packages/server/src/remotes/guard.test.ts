import assert from "node:assert/strict";
import { test } from "node:test";
import { HeliostatError } from "../domain/errors.ts";
import type { RemoteUrl } from "../domain/remote-url.ts";
import { createGuard, type ResolveHost } from "./guard.ts";
import { DEFAULT_LIMITS, type RemoteLimits } from "./limits.ts";

const STRICT = { allowLocalRequests: false };

/** Past the parser on purpose: the guard must hold even for what the parser would refuse today. */
const url = (text: string) => text as RemoteUrl;

function guardWith(resolve: ResolveHost | undefined, limits: Partial<RemoteLimits> = {}) {
  return createGuard({ resolve, limits: { ...DEFAULT_LIMITS, ...limits } });
}

function refused(code: string, message: string | RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HeliostatError);
    assert.equal(error.code, code);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

test("hands out the address that was checked", async () => {
  const guard = guardWith(async () => ["203.0.113.7", "2001:db8::7"]);
  const credential = { username: "u", password: "p" };
  const remote = await guard.open(url("https://forge.example/a/b.git"), credential, STRICT);
  assert.deepEqual(remote, { url: "https://forge.example/a/b.git", credential, address: "203.0.113.7" });
});

test("refuses a host with one local address among public ones", async () => {
  const guard = guardWith(async () => ["203.0.113.7", "10.0.0.1"]);
  const expected = refused("url-blocked", "Requests to the local network are not allowed");
  await assert.rejects(guard.open(url("https://forge.example/x"), null, STRICT), expected);
});

// With the real resolver.
const LOCAL_FORMS = [
  "http://127.0.0.1/x",
  "git://127.0.0.1/x",
  "http://[::1]/x",
  "http://[::ffff:127.0.0.1]/x",
  "http://[0:0:0:0:0:ffff:7f00:1]/x",
  "http://localhost/x",
  "http://LOCALHOST/x",
  "https://localhost:8443/x",
];

for (const text of LOCAL_FORMS) {
  test(`refuses ${text}, and lets it pass where local requests are allowed`, async () => {
    const guard = guardWith(undefined);
    const expected = refused("url-blocked", /^Requests to (?:localhost|loopback addresses) are not allowed$/);
    await assert.rejects(guard.open(url(text), null, STRICT), expected);
    const remote = await guard.open(url(text), null, { allowLocalRequests: true });
    assert.match(remote.address ?? "", /^(?:127\.0\.0\.1|::1|(?:.*:)?ffff:(?:7f00:1|127\.0\.0\.1))$/);
  });
}

test("what could not be saved today is not spoken to either", async () => {
  const guard = guardWith(async () => ["203.0.113.7"]);
  const reasons = {
    "http://0x7f.1/x": "Hostname or IP address invalid",
    "git://2130706433/x": "Hostname or IP address invalid",
    "http://host.example:0/x": "URI is invalid",
    "http://user:password@host.example/x": "URI is invalid",
    "http://bücher.example/x": "URI is invalid",
    "git@host.example:x": "URI is invalid",
    "ftp://host.example/x": "Only allowed schemes are http, https, ssh, git",
  };
  for (const [text, reason] of Object.entries(reasons)) {
    const opened = guard.open(url(text), null, { allowLocalRequests: true });
    await assert.rejects(opened, { message: reason }, text);
  }
});

test("of the ports below 1024 only those of the rules, whatever else is allowed", async () => {
  const guard = guardWith(async () => ["203.0.113.7"]);
  const open = (text: string, lowPorts?: readonly number[]) =>
    guard.open(url(text), null, {
      allowLocalRequests: true,
      outboundAllowlist: ["host.example"],
      ownUrl: "http://host.example:1023",
      ...(lowPorts === undefined ? {} : { lowPorts }),
    });
  const expected = refused("url-blocked", "Only allowed ports are 22, 80, 443, and any over 1024");
  for (const port of [1, 21, 23, 25, 79, 81, 442, 444, 1023]) {
    await assert.rejects(open(`http://host.example:${port}/x`, [22, 80, 443]), expected);
    await open(`http://host.example:${port}/x`);
  }
  for (const text of ["http://host.example/x", "https://host.example/x", "git://host.example/x"])
    await open(text, [22, 80, 443]);
  for (const port of [22, 80, 443, 1024, 65_535]) await open(`http://host.example:${port}/x`, [22, 80, 443]);
});

test("takes ssh, and refuses local paths by their scheme", async () => {
  const guard = guardWith(async () => ["203.0.113.7"]);
  const open = (text: string) => guard.open(url(text), null, { allowLocalRequests: true });
  assert.equal((await open("ssh://git@h.example/x")).address, "203.0.113.7");
  const schemes = refused("url-blocked", "Only allowed schemes are http, https, ssh, git");
  await assert.rejects(open("/srv/x.git"), schemes);
});

test("a host that cannot be resolved is worth a retry", async () => {
  const expected = refused("remote-unreachable", "Host cannot be resolved or invalid");
  for (const resolve of [
    async () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })),
    async () => [],
    async () => ["not an address"],
  ]) {
    await assert.rejects(guardWith(resolve).open(url("http://gone.example/x"), null, STRICT), expected);
  }
});

test("a resolver that hangs is given up, and asked again the next time", async () => {
  let asked = 0;
  const resolve = () => {
    asked += 1;
    return asked === 1 ? new Promise<never>(() => {}) : Promise.resolve(["203.0.113.7"]);
  };
  const guard = guardWith(resolve, { resolveMs: 30 });
  const expected = refused("remote-unreachable", "Host cannot be resolved or invalid");
  await assert.rejects(guard.open(url("http://slow.example/x"), null, STRICT), expected);
  assert.equal((await guard.open(url("http://slow.example/x"), null, STRICT)).address, "203.0.113.7");
});

test("a signal stops the look-up", async () => {
  const guard = guardWith(() => new Promise<never>(() => {}));
  const stop = new AbortController();
  const opened = guard.open(url("http://slow.example/x"), null, { ...STRICT, signal: stop.signal });
  stop.abort();
  await assert.rejects(opened, refused("cancelled", /looking up/));
  const early = guard.open(url("http://slow.example/x"), null, { ...STRICT, signal: stop.signal });
  await assert.rejects(early, refused("cancelled", /looking up/));
});

test("a look-up that fails after everybody stopped waiting troubles nobody", async () => {
  const { promise, reject } = Promise.withResolvers<readonly string[]>();
  const guard = guardWith(() => promise);
  const signal = AbortSignal.abort();
  const opened = guard.open(url("http://slow.example/x"), null, { ...STRICT, signal });
  await assert.rejects(opened, refused("cancelled", /looking up/));
  reject(new Error("an unhandled rejection would end the process"));
  await new Promise((resolve) => setImmediate(resolve));
});

test("many mirrors of one host share a look-up, until it is old", async () => {
  let asked = 0;
  const resolve = async () => {
    asked += 1;
    return ["203.0.113.7"];
  };
  const kept = guardWith(resolve);
  await Promise.all([1, 2, 3].map((i) => kept.open(url(`http://h.example/${i}`), null, STRICT)));
  assert.equal(asked, 1);
  const fresh = guardWith(resolve, { addressesMs: 0 });
  for (const i of [1, 2, 3]) await fresh.open(url(`http://h.example/${i}`), null, STRICT);
  assert.equal(asked, 4);
});

test("a remembered address is checked against the rules of each call", async () => {
  const guard = guardWith(async () => ["127.0.0.1"]);
  await guard.open(url("http://h.example/x"), null, { allowLocalRequests: true });
  const expected = refused("url-blocked", "Requests to localhost are not allowed");
  await assert.rejects(guard.open(url("http://h.example/x"), null, STRICT), expected);
});

test("after silence at one address the next is tried, round and round", async () => {
  const guard = guardWith(async () => ["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
  const seen = [];
  for (let i = 0; i < 4; i += 1) {
    const remote = await guard.open(url("http://h.example/x"), null, STRICT);
    seen.push(remote.address);
    guard.avoid(remote);
  }
  assert.deepEqual(seen, ["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.1"]);
});

const LOCAL_NETWORK = "Requests to the local network are not allowed";
const NOT_ON_THE_LIST = "Requests to hosts and IP addresses not on the Allow List are denied";

/** Whether a URL is let pass when its host has these addresses: null, or the reason why not. */
async function reasonFor(
  text: string,
  addresses: readonly string[],
  rules: Partial<Parameters<ReturnType<typeof guardWith>["open"]>[2]>,
): Promise<string | null> {
  const guard = guardWith(async () => addresses);
  return await guard.open(url(text), null, { ...STRICT, ...rules }).then(
    () => null,
    (error: unknown) => (error instanceof HeliostatError ? error.message : String(error)),
  );
}

test("the allowlist exempts a host, a port of it, an address or a range, and nothing beside them", async () => {
  const at = (text: string, address: string, entry: string) =>
    reasonFor(text, [address], { outboundAllowlist: ["other.example", entry] });
  assert.equal(await at("https://Git.example/x", "10.0.0.7", "git.example"), null);
  assert.equal(await at("https://git.example:8443/x", "10.0.0.7", "git.example:8443"), null);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "git.example:8443"), LOCAL_NETWORK);
  assert.equal(await at("https://a.git.example/x", "10.0.0.7", "git.example"), LOCAL_NETWORK);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "10.0.0.0/29"), null);
  assert.equal(await at("https://git.example/x", "10.0.0.8", "10.0.0.0/29"), LOCAL_NETWORK);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "10.0.0.7:443"), null);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "10.0.0.7:80"), LOCAL_NETWORK);
  assert.equal(await at("https://git.example/x", "fd00::7", "fd00::/8"), null);
  assert.equal(await at("http://[fd00::7]:3000/x", "-", "[fd00::7]:3000"), null);
  assert.equal(await at("https://git.example/x", "::ffff:10.0.0.7", "10.0.0.0/29"), null);
  assert.equal(await at("https://git.example/x", "64:ff9b::10.0.0.7", "10.0.0.0/29"), LOCAL_NETWORK);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "::/0"), LOCAL_NETWORK);
  assert.equal(await at("https://git.example/x", "fd00::7", "0.0.0.0/0"), LOCAL_NETWORK);
  assert.equal(await at("https://git.example./x", "10.0.0.7", "git.example"), null);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "git.example."), null);
  assert.equal(await at("https://xn--bcher-kva.example/x", "10.0.0.7", "Bücher.example"), null);
  assert.equal(await at("https://git.example/x", "10.0.0.7", "not an entry"), LOCAL_NETWORK);
});

test("one address on the allowlist does not let the others of its host pass", async () => {
  const outboundAllowlist = ["10.0.0.7"];
  const addresses = ["10.0.0.7", "10.0.0.8"];
  assert.equal(await reasonFor("https://git.example/x", addresses, { outboundAllowlist }), LOCAL_NETWORK);
});

test("everything else may be denied, public hosts too, and where local requests are allowed too", async () => {
  const rules = { denyAllRequestsExceptAllowed: true, outboundAllowlist: ["git.example", "203.0.113.0/24"] };
  const of = (text: string, address: string, allowLocalRequests = false) =>
    reasonFor(text, [address], { ...rules, allowLocalRequests });
  assert.equal(await of("https://git.example/x", "198.51.100.1"), null);
  assert.equal(await of("https://other.example/x", "203.0.113.9"), null);
  assert.equal(await of("https://other.example/x", "198.51.100.1"), NOT_ON_THE_LIST);
  assert.equal(await of("https://other.example/x", "127.0.0.1", true), NOT_ON_THE_LIST);
});

test("the instance's own address is always allowed: its scheme, host and port, nothing beside them", async () => {
  const rules = { ownUrl: "http://git.example:8080/sub", denyAllRequestsExceptAllowed: true };
  const at = (text: string) => reasonFor(text, ["127.0.0.1"], rules);
  assert.equal(await at("http://git.example:8080/a/b.git"), null);
  assert.equal(await at("http://GIT.example:8080/a/b.git"), null);
  assert.equal(await at("http://git.example:8081/a/b.git"), NOT_ON_THE_LIST);
  assert.equal(await at("http://git.example/a/b.git"), NOT_ON_THE_LIST);
  assert.equal(await at("https://git.example:8080/a/b.git"), NOT_ON_THE_LIST);
  assert.equal(await at("git://git.example:8080/a/b.git"), NOT_ON_THE_LIST);
  assert.equal(await at("http://127.0.0.1:8080/a/b.git"), NOT_ON_THE_LIST);
});
