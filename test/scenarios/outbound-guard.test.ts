import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { MirrorUpdateAnswer } from "@heliostat/contract/api/mirrors.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createRemotes } from "../../packages/server/src/remotes/remotes.ts";
import { resolveHost } from "../../packages/server/src/remotes/resolve-host.ts";
import { type Api, createApi, type MirrorName, projectPath } from "../support/api.ts";
import { type ConnectionTrap, setConnectionTrap } from "../support/connection-trap.ts";
import { type DnsAnswer, type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { makeMemoryLog } from "../support/git-adapter.ts";
import { startGitDaemonPeer } from "../support/git-daemon-peer.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { inOwnNetwork, NAME_SERVER, SEARCH_DOMAIN } from "../support/own-network.ts";
import { type RedirectingPeer, startRedirectingPeer } from "../support/redirecting-peer.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const PUBLIC = "203.0.113.7";
const HTTP_PORT = 8080;
const GIT_PORT = 9418;
const LOCALHOST = "Requests to localhost are not allowed";

const STATUSES = [301, 302, 307, 308] as const;
/** Of a mirror: from which of its requests on the remote redirects. */
const PHASES = ["listing", "fetch", "push"] as const;
type Phase = (typeof PHASES)[number];

inOwnNetwork(import.meta.filename, () =>
  describe("the outbound guard, with real names and addresses", guard),
);

function guard(): void {
  const cleanups: (() => Promise<unknown>)[] = [];
  let root: string;
  let dns: DnsServer;
  let server: TestServer;
  let api: Api;
  let http: GitHttpPeer;
  /** Where a second answer of DNS would lead. */
  let traps: readonly ConnectionTrap[];

  function keep<T extends { close(): Promise<unknown> }>(opened: T): T {
    cleanups.push(() => opened.close());
    return opened;
  }

  before(async () => {
    root = await makeTempDir({ after: (clean) => void cleanups.push(clean) });
    dns = keep(await startDnsServer(NAME_SERVER));
    http = keep(await startGitHttpPeer({ root, address: PUBLIC, port: HTTP_PORT }));
    keep(await startGitDaemonPeer({ root, address: PUBLIC, port: GIT_PORT }));
    traps = [
      keep(await setConnectionTrap("127.0.0.1", HTTP_PORT)),
      keep(await setConnectionTrap("127.0.0.1", GIT_PORT)),
    ];
    server = await startServer({ env: { HELIOSTAT_ALLOW_LOCAL_REMOTES: "false" } });
    cleanups.push(() => server.stop());
    api = createApi(server);
    await api.put("/application/settings", {
      pull_mirror_min_interval_seconds: 0,
      push_mirror_min_interval_seconds: 0,
    });
  });
  after(async () => {
    for (const clean of cleanups.reverse()) await clean();
  });

  const isNobodyTrapped = () =>
    assert.deepEqual(
      traps.map((trap) => trap.connectionCount()),
      [0, 0],
    );

  function set(settings: Readonly<Record<string, unknown>>): Promise<unknown> {
    return api.put("/application/settings", settings);
  }

  /** A project with a commit in it, and one at its remote of the same name. */
  async function makeSides(
    name: string,
    direction: "pull" | "push",
  ): Promise<{ here: string; there: string }> {
    const there = await makeRepository(join(root, `${name}.git`));
    const { id } = await api.createProject(name);
    const here = server.repositoryOf(id);
    await makeCommit(direction === "pull" ? there : here);
    return { here, there };
  }

  async function firstUpdate(name: string, mirror: MirrorName): Promise<MirrorUpdateAnswer> {
    return await waitFor(
      async () =>
        (await api.listUpdates(`root/${name}`, mirror)).find(({ finished_at }) => finished_at !== null),
      { timeoutMs: 60_000, message: "the first update is over" },
    );
  }

  const WAYS = [
    { name: "pull-http", direction: "pull", scheme: "http", port: HTTP_PORT },
    { name: "pull-git", direction: "pull", scheme: "git", port: GIT_PORT },
    { name: "push-http", direction: "push", scheme: "http", port: HTTP_PORT },
    { name: "push-git", direction: "push", scheme: "git", port: GIT_PORT },
  ] as const;

  test("a second answer of DNS changes nothing, and is refused when it counts", async () => {
    const mirrors: MirrorName[] = [];
    for (const { name, direction, scheme, port } of WAYS) {
      const host = `${name}.rebinding.example`;
      dns.answer(host, { addresses: [PUBLIC] }, { addresses: ["127.0.0.1"] });
      const { here, there } = await makeSides(name, direction);
      const mirror = await api.createMirror(
        `root/${name}`,
        direction,
        `${scheme}://${host}:${port}/${name}.git`,
      );
      const { status, error } = await firstUpdate(name, mirror);
      assert.deepEqual({ name, status, error }, { name, status: "finished", error: null });
      assert.deepEqual(await refsOf(here), await refsOf(there), name);
      assert.equal(dns.timesAsked(host), 1, name);
      isNobodyTrapped();
      mirrors.push(mirror);
    }
    // What was looked up is forgotten.
    await server.restart();
    for (const [index, { name, direction }] of WAYS.entries()) {
      const { error } = await api.update(`root/${name}`, mirrors[index] ?? "pull");
      const what = direction === "pull" ? "import" : "remote mirror";
      assert.equal(error, `The ${what} URL is invalid: ${LOCALHOST}`, name);
      assert.equal(dns.timesAsked(`${name}.rebinding.example`), 2, name);
      isNobodyTrapped();
      await api.delete(projectPath(`root/${name}`));
    }
  });

  test("what was fine when it was saved and leads elsewhere now is refused, by GitLab's words", async () => {
    const elsewhere: Readonly<Record<string, readonly [string, string]>> = {
      loopback: ["127.0.0.9", "Requests to loopback addresses are not allowed"],
      "loopback-six": ["::1", LOCALHOST],
      private: ["10.0.0.1", "Requests to the local network are not allowed"],
      "private-six": ["fd00::1", "Requests to the local network are not allowed"],
      metadata: ["169.254.169.254", "Requests to the link local network are not allowed"],
      shared: ["100.64.0.1", "Requests to the shared address space are not allowed"],
      broadcast: ["255.255.255.255", "Requests to the limited broadcast address are not allowed"],
      multicast: ["ff02::1", "Requests to the local network are not allowed"],
      "six-to-four": ["2002:7f00:9::1", "Requests to loopback addresses are not allowed"],
      translated: ["64:ff9b::a00:1", "Requests to the local network are not allowed"],
    };
    for (const name of Object.keys(elsewhere)) {
      dns.answer(`${name}.moved.example`, { addresses: [PUBLIC] });
      await api.createProject(name);
      await api.post(`${projectPath(`root/${name}`)}/mirrors`, {
        direction: "pull",
        url: `http://${name}.moved.example:${HTTP_PORT}/${name}.git`,
        enabled: false,
      });
    }
    await server.restart();
    const before = http.connectionCount();
    for (const [name, [address, reason]] of Object.entries(elsewhere)) {
      dns.answer(`${name}.moved.example`, { addresses: [address] });
      await api.put(`${projectPath(`root/${name}`)}/mirror/pull`, { enabled: true });
      const { error } = await firstUpdate(name, "pull");
      assert.equal(error, `The import URL is invalid: ${reason}`, name);
    }
    assert.equal(http.connectionCount(), before);
    isNobodyTrapped();
  });

  test("no kept connection is used once its address is forbidden", async () => {
    const local = keep(await startGitHttpPeer({ root, address: "127.0.0.3" }));
    dns.answer("local.example", { addresses: ["127.0.0.3"] });
    await set({ allow_local_requests_from_web_hooks_and_services: true });
    await makeSides("kept", "pull");
    const mirror = await api.createMirror("root/kept", "pull", `http://local.example:${local.port}/kept.git`);
    assert.equal((await firstUpdate("kept", mirror)).status, "finished");
    // One that finds nothing: over the connection that listings keep.
    assert.equal((await api.update("root/kept", mirror)).status, "finished");
    const [connections, requests] = [local.connectionCount(), local.requests.length];

    await set({ allow_local_requests_from_web_hooks_and_services: false });
    const refused = await api.update("root/kept", mirror);
    assert.equal(refused.error, "The import URL is invalid: Requests to loopback addresses are not allowed");
    assert.equal(local.requests.length, requests);

    await set({
      allow_local_requests_from_web_hooks_and_services: true,
      deny_all_requests_except_allowed: true,
    });
    const denied = await api.update("root/kept", mirror);
    assert.equal(
      denied.error,
      "The import URL is invalid: Requests to hosts and IP addresses not on the Allow List are denied",
    );
    assert.equal(local.requests.length, requests);

    await set({ outbound_local_requests_whitelist: ["local.example"] });
    assert.equal((await api.update("root/kept", mirror)).status, "finished");
    assert.ok(local.requests.length > requests);
    // It was there all the time.
    assert.equal(local.connectionCount(), connections);
    await set({
      allow_local_requests_from_web_hooks_and_services: false,
      deny_all_requests_except_allowed: false,
      outbound_local_requests_whitelist: [],
    });
    await api.delete(projectPath("root/kept"));
  });

  test("a new answer of DNS leads to a new connection, and the kept one to the old address is left alone", async (t) => {
    const other = keep(await startGitHttpPeer({ root, address: "203.0.113.8", port: HTTP_PORT }));
    dns.answer(
      "moving.example",
      { addresses: [PUBLIC] },
      { addresses: [PUBLIC] },
      { addresses: ["203.0.113.8"] },
      { addresses: ["127.0.0.1"] },
    );
    await makeCommit(await makeRepository(join(root, "moving.git")));
    const limits = { addressesMs: 0 };
    const remotes = keep(createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test", limits }));
    const list = async () => {
      const { url } = parseRemoteUrl(`http://moving.example:${HTTP_PORT}/moving.git`);
      const remote = await remotes.open(url, null, { allowLocalRequests: false });
      return await remotes.listRefs(remote, { signal: t.signal });
    };
    const connections = http.connectionCount();
    for (let round = 0; round < 2; round += 1) assert.equal((await list()).refs.size, 1);
    assert.equal(http.connectionCount(), connections + 1);
    const requests = http.requests.length;
    assert.equal((await list()).refs.size, 1);
    assert.equal(other.connectionCount(), 1);
    await assert.rejects(list(), { code: "url-blocked", message: LOCALHOST });
    assert.equal(http.requests.length, requests);
    assert.equal(dns.timesAsked("moving.example"), 4);
    isNobodyTrapped();
  });

  describe("redirects are not followed, and the error names the new location", () => {
    let redirecting: RedirectingPeer;
    let otherHost: ConnectionTrap;

    before(async () => {
      otherHost = keep(await setConnectionTrap("203.0.113.10", HTTP_PORT));
      const listed = new Set<string>();
      redirecting = keep(
        await startRedirectingPeer({
          address: "203.0.113.9",
          port: HTTP_PORT,
          upstream: http.url,
          redirect: (request) => redirectFor(request, listed, otherHost.url),
        }),
      );
      dns.answer("redirecting.example", { addresses: ["203.0.113.9"] });
    });

    for (const phase of PHASES) {
      for (const place of ["same", "other", "private"] as const) {
        test(`${phase}, to ${place === "same" ? "the same host" : `a host that is ${place}`}`, async () => {
          const direction = phase === "push" ? "push" : "pull";
          const errors = await Promise.all(
            STATUSES.map(async (status) => {
              const name = `${phase}-${place}-${status}`;
              const { there } = await makeSides(name, direction);
              if (phase === "push") await makeCommit(there, { ref: "refs/heads/theirs" });
              const mirror = await api.createMirror(
                `root/${name}`,
                direction,
                `http://redirecting.example:${HTTP_PORT}/${name}.git`,
              );
              const { error } = await firstUpdate(name, mirror);
              await api.delete(projectPath(`root/${name}`));
              return { name, error };
            }),
          );
          const bases = {
            same: `http://redirecting.example:${HTTP_PORT}`,
            other: otherHost.url,
            private: `http://127.0.0.1:${HTTP_PORT}`,
          };
          for (const { name, error } of errors) {
            assert.ok(
              error?.includes(`redirects to ${bases[place]}/elsewhere/${name}.git. `),
              `${name}: ${error}`,
            );
          }
          assert.deepEqual(
            redirecting.paths.filter((path) => path.startsWith("/elsewhere/")),
            [],
          );
          assert.equal(otherHost.connectionCount(), 0);
          isNobodyTrapped();
        });
      }
    }
  });

  describe("what DNS may do", () => {
    const UNKNOWN = { url: ["is blocked: Host cannot be resolved or invalid"] };
    const many = (count: number) => Array.from({ length: count }, (_, index) => `203.0.113.${index + 1}`);
    const cases: readonly { what: string; answer: DnsAnswer; refused: object | null }[] = [
      { what: "no such name", answer: { status: "NXDOMAIN" }, refused: UNKNOWN },
      { what: "no address", answer: {}, refused: UNKNOWN },
      { what: "a server that fails", answer: { status: "SERVFAIL" }, refused: UNKNOWN },
      { what: "a server that refuses", answer: { status: "REFUSED" }, refused: UNKNOWN },
      { what: "silence", answer: { isSilent: true }, refused: UNKNOWN },
      { what: "a slow answer", answer: { addresses: [PUBLIC], delayMs: 500 }, refused: null },
      { what: "sixty addresses, by TCP", answer: { addresses: many(60) }, refused: null },
      {
        what: "sixty addresses and a private one, by TCP",
        answer: { addresses: [...many(60), "10.0.0.1"] },
        refused: { url: ["is blocked: Requests to the local network are not allowed"] },
      },
      { what: "another name of a public address", answer: { cname: "public.example" }, refused: null },
      {
        what: "another name of a private address",
        answer: { cname: "private.example" },
        refused: { url: ["is blocked: Requests to the local network are not allowed"] },
      },
    ];

    before(async () => {
      dns.answer("public.example", { addresses: [PUBLIC] });
      dns.answer("private.example", { addresses: ["192.168.7.7"] });
      await api.createProject("names");
    });

    const save = (url: string) =>
      api.call("POST", `${projectPath("root/names")}/mirrors`, { direction: "push", url, enabled: false });

    for (const [index, { what, answer, refused }] of cases.entries()) {
      test(`${what}: ${refused === null ? "saved" : "refused"}`, async () => {
        const host = `case-${index}.example`;
        dns.answer(host, answer);
        const { status, body } = await save(`https://${host}/a.git`);
        if (refused === null) assert.equal(status, 201, JSON.stringify(body));
        else assert.deepEqual({ status, body }, { status: 400, body: { message: refused } });
        assert.ok(dns.timesAsked(host) > 0);
        const isLong = (answer.addresses?.length ?? 0) > 30;
        const byTcp = dns.queries.some(({ name, transport }) => name === host && transport === "tcp");
        assert.equal(byTcp, isLong);
      });
    }

    test("names whose servers keep silent hold up no other", async () => {
      const silent = Array.from({ length: 12 }, (_, index) => `silent-${index}.example`);
      for (const name of silent) dns.answer(name, { isSilent: true });
      let ended = 0;
      const waits = silent.map((name) =>
        assert.rejects(
          resolveHost(name).finally(() => {
            ended += 1;
          }),
        ),
      );
      assert.deepEqual(await resolveHost("public.example"), [PUBLIC]);
      assert.equal(ended, 0);
      // They end with the second try.
      for (const name of silent) dns.answer(name, { status: "NXDOMAIN" });
      await Promise.all(waits);
    });

    test("/etc/hosts comes before DNS, search domains come after", async () => {
      dns.answer("in-hosts.example", { addresses: ["10.0.0.1"] });
      dns.answer("comment.example", { addresses: ["203.0.113.78"] });
      dns.answer(`short.${SEARCH_DOMAIN}`, { addresses: ["203.0.113.79"] });
      dns.answer(`two.labels.${SEARCH_DOMAIN}`, { addresses: ["203.0.113.80"] });
      assert.deepEqual(await resolveHost("in-hosts.example"), ["203.0.113.77"]);
      assert.equal(dns.timesAsked("in-hosts.example"), 0);
      assert.deepEqual(await resolveHost("comment.example"), ["203.0.113.78"]);
      assert.deepEqual(await resolveHost("short"), ["203.0.113.79"]);
      assert.deepEqual(await resolveHost("two.labels"), ["203.0.113.80"]);
      await assert.rejects(resolveHost("nowhere.example"), { code: "ENOTFOUND" });
    });

    test("without dns_rebinding_protection_enabled a name may come later, a private one is refused all the same", async () => {
      await set({ dns_rebinding_protection_enabled: false });
      await api.createProject("later");
      const mirror = await api.createMirror("root/later", "pull", `http://later.example:${HTTP_PORT}/a.git`);
      const { error } = await firstUpdate("later", mirror);
      assert.equal(error, "Host cannot be resolved or invalid");
      const { status, body } = await save("https://private.example/a.git");
      assert.deepEqual(
        { status, body },
        {
          status: 400,
          body: { message: { url: ["is blocked: Requests to the local network are not allowed"] } },
        },
      );
      await set({ dns_rebinding_protection_enabled: true });
    });
  });
}

/** By the repository's name: `<phase>-<place>-<status>.git`. */
function redirectFor(
  request: IncomingMessage,
  listed: Set<string>,
  otherHost: string,
): { status: number; to: string } | null {
  const path = request.url ?? "/";
  const [, repository = "", phase, place, status] =
    /^\/((listing|fetch|push)-(same|other|private)-(\d+)\.git)\//.exec(path) ?? [];
  if (!isRedirected(request, phase as Phase, repository, listed)) return null;
  const base =
    { same: "", other: otherHost, private: `http://127.0.0.1:${HTTP_PORT}` }[place ?? "same"] ?? "";
  return { status: Number(status), to: `${base}/elsewhere${path}` };
}

/** A fetch: all that comes after the first listing, the GET and the POST of it. */
function isRedirected(
  { method, url = "" }: IncomingMessage,
  phase: Phase,
  repository: string,
  listed: Set<string>,
): boolean {
  if (phase === "listing") return true;
  if (phase === "push") return method === "POST" && url.endsWith("/git-receive-pack");
  if (listed.has(repository)) return true;
  if (method === "POST") listed.add(repository);
  return false;
}
