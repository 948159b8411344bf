import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { createdTriggerTokenSchema } from "@heliostat/contract/api/trigger-tokens.ts";
import { type Api, createApi, idOf } from "../support/api.ts";
import { openBrowserSession } from "../support/browser-session.ts";
import { startServer, type TestServer } from "../support/server.ts";

/* How many requests the API takes: of an address that shows nothing good, and of a user. */

/** Addresses of this machine that stand for machines of their own, one for each test. */
let addresses = 10;
const nextAddress = () => `127.0.0.${++addresses}`;

/** Debian's package `python3-gitlab` belongs to Debian's own Python. */
const PYTHON = "/usr/bin/python3";

const LIMIT = 5;

describe("rate limits of the API", () => {
  let server: TestServer;
  let root: Api;
  let atFirst: Record<string, unknown>;

  before(async () => {
    // One that stands in front of it says for whom it speaks, in the tests of IPv6.
    server = await startServer({ env: { HELIOSTAT_TRUSTED_PROXIES: "127.0.0.3" } });
    root = createApi(server);
    await root.createProject("open", { visibility: "public" });
    atFirst = Object(await root.get("/application/settings"));
    await root.put("/application/settings", {
      throttle_unauthenticated_api_requests_per_period: LIMIT,
      throttle_unauthenticated_api_period_in_seconds: 86_400,
    });
  });
  after(async () => await server?.stop());

  interface Ask {
    readonly from?: string;
    readonly path?: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }

  async function ask({ from = "127.0.0.1", path = "/projects", method = "GET", headers = {} }: Ask) {
    const url = path.startsWith("/-/") || path.startsWith("/root") ? path : `/api/v4${path}`;
    const sent = request(server.url + url, { method, headers, localAddress: from, agent: false }).end();
    const [answer] = await once(sent, "response");
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    return { status: Number(answer.statusCode), headers: answer.headers as Record<string, string>, text };
  }

  async function statusesOf(times: number, asked: Ask): Promise<readonly number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < times; i += 1) statuses.push((await ask(asked)).status);
    return statuses;
  }

  const served = (times: number, status = 200) => Array.from({ length: times }, () => status);

  test("the settings are GitLab's, with its names, and out of bounds they are refused", async () => {
    const throttles = Object.entries(atFirst).filter(([name]) => name.startsWith("throttle_"));
    assert.deepEqual(Object.fromEntries(throttles), {
      throttle_unauthenticated_api_enabled: true,
      throttle_unauthenticated_api_requests_per_period: 3600,
      throttle_unauthenticated_api_period_in_seconds: 3600,
      throttle_authenticated_api_enabled: false,
      throttle_authenticated_api_requests_per_period: 7200,
      throttle_authenticated_api_period_in_seconds: 3600,
    });
    for (const name of ["requests_per_period", "period_in_seconds"]) {
      const setting = `throttle_authenticated_api_${name}`;
      const { status, body } = await root.call("PUT", "/application/settings", { [setting]: 0 });
      assert.deepEqual([status, body], [400, { message: { [setting]: ["must be greater than 0"] } }]);
    }
  });

  test("who shows nothing is counted by address, and told in GitLab's headers when to come again", async () => {
    const from = nextAddress();
    for (let i = 0; i < LIMIT; i += 1) {
      const answer = await ask({ from });
      assert.equal(answer.status, 200);
      // One client takes the number on any answer for what it may do in a minute.
      for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /^ratelimit|^retry-after/);
    }
    const asked = Date.now() / 1000;
    const { status, headers, text } = await ask({ from });
    assert.equal(status, 429);
    assert.equal(headers["content-type"], "application/json");
    const reset = Number(headers["ratelimit-reset"]);
    const wait = Number(headers["retry-after"]);
    assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
    assert.match(headers["ratelimit-reset"] ?? "", /^\d+$/);
    assert.equal(reset % 86_400, 0);
    assert(Math.abs(asked + wait - reset) < 60, `${asked} + ${wait} is far from ${reset}`);
    assert.equal(headers["ratelimit-name"], "throttle_unauthenticated_api");
    // A minute's part of five in a day, rounded up.
    assert.equal(headers["ratelimit-limit"], "1");
    assert.equal(headers["ratelimit-observed"], String(LIMIT + 1));
    assert.equal(headers["ratelimit-remaining"], "0");
    const { message } = JSON.parse(text);
    assert.equal(
      message,
      `Only ${LIMIT} requests of one address without a good token are taken in 86400 seconds. Try again in ${wait} seconds. Or use an access token.`,
    );
    assert.equal((await ask({ from, path: "/version" })).status, 429);
    assert.equal((await ask({ from: nextAddress() })).status, 200);
  });

  test("an IPv6 address counts with its whole network", async () => {
    const through = (client: string): Ask => ({
      from: "127.0.0.3",
      headers: { "x-forwarded-for": client, "x-forwarded-proto": "http", "x-forwarded-host": "git.example" },
    });
    for (let i = 0; i < LIMIT; i += 1) assert.equal((await ask(through(`2001:db8:0:1::${i}`))).status, 200);
    assert.equal((await ask(through("2001:db8:0:1:ffff::9"))).status, 429);
    assert.equal((await ask(through("2001:db8:0:2::1"))).status, 200);
    // The proxy itself is nobody's neighbour.
    assert.equal((await ask({ from: "127.0.0.3" })).status, 200);
  });

  test("a good token is not its address's, and goes on when that has had enough", async () => {
    const from = nextAddress();
    const withToken = { from, path: "/user", headers: { "private-token": server.token } };
    assert.deepEqual(await statusesOf(2 * LIMIT, withToken), served(2 * LIMIT));
    assert.deepEqual(await statusesOf(LIMIT, { from }), served(LIMIT));
    assert.equal((await ask({ from })).status, 429);
    assert.equal((await ask(withToken)).status, 200);
  });

  test("who shows a token that is no good is nobody", async () => {
    const from = nextAddress();
    const wrong = { from, path: "/user", headers: { authorization: "Bearer hlpat-nobody-has-this-one" } };
    assert.deepEqual(await statusesOf(LIMIT, wrong), served(LIMIT, 401));
    assert.equal((await ask(wrong)).status, 429);
    assert.equal((await ask({ from })).status, 429);
  });

  test("trigger tokens are not counted while they are good: one forge sends for all its repositories", async () => {
    const id = idOf(await root.post("/projects", { name: "triggered" }));
    const push = { direction: "push", url: "http://192.0.2.1/down.git", enabled: false };
    const mirrorId = idOf(await root.post(`/projects/${id}/mirrors`, push));
    const path = `/projects/${id}/mirrors/${mirrorId}/trigger`;
    const made = await root.post(`/projects/${id}/mirrors/${mirrorId}/trigger_tokens`, { name: "forge" });
    const { token } = createdTriggerTokenSchema.parse(made);
    const from = nextAddress();
    const good = { from, method: "POST", path, headers: { "x-gitlab-token": token } };
    const statuses = await statusesOf(2 * LIMIT, good);
    assert(!statuses.includes(404) && !statuses.includes(429), String(statuses));
    const wrong = { ...good, headers: { "x-gitlab-token": "hltrg-nobody-has-this-one" } };
    assert.deepEqual(await statusesOf(LIMIT, wrong), served(LIMIT, 404));
    assert.equal((await ask(wrong)).status, 429);
    assert.notEqual((await ask(good)).status, 429);
  });

  test("Git, health and what is no API are not counted", async () => {
    const from = nextAddress();
    await statusesOf(LIMIT + 1, { from });
    assert.equal((await ask({ from })).status, 429);
    for (const path of ["/-/health", "/-/liveness", "/-/readiness", "/-/session"]) {
      assert.notEqual((await ask({ from, path })).status, 429, path);
    }
    const refs = await ask({ from, path: "/root/open.git/info/refs?service=git-upload-pack" });
    assert.equal(refs.status, 200);
  });

  test("the log tells once of an address that has had enough", async () => {
    const from = nextAddress();
    await statusesOf(LIMIT + 4, { from });
    const lines = server
      .output()
      .split("\n")
      .filter((line) => line.includes("an API client reached its limit") && line.includes(`"${from}"`));
    assert.equal(lines.length, 1, lines.join("\n"));
  });

  test("users are counted wherever they are, when that is switched on; by Sudo it is the admin", async () => {
    const id = await root.createUser("busy", "a pass: word/@ of somebody");
    const [first, second] = [await root.createToken(id, ["api"]), await root.createToken(id, ["api"])];
    const other = await root.createToken(await root.createUser("calm", "a pass: word/@ of somebody"), [
      "api",
    ]);
    const admin = openBrowserSession(server.url);
    await admin.signIn("root", server.password);
    const scopes = ["api", "admin_mode", "sudo"];
    const made = await admin.ask("POST", "/api/v4/user/personal_access_tokens", { name: "s", scopes });
    const sudo = String(Object(made.body).token);
    const as = (token: string, more: Ask = {}): Ask => ({
      from: nextAddress(),
      path: "/user",
      ...more,
      headers: { "private-token": token, ...more.headers },
    });
    assert.deepEqual(await statusesOf(20, as(first)), served(20), "it is off at first");
    await root.put("/application/settings", {
      throttle_authenticated_api_enabled: true,
      throttle_authenticated_api_requests_per_period: 20,
      throttle_authenticated_api_period_in_seconds: 86_400,
    });
    assert.deepEqual(await statusesOf(10, as(first)), served(10));
    assert.deepEqual(await statusesOf(10, as(second)), served(10));
    const { status, headers } = await ask(as(second));
    assert.equal(status, 429);
    assert.equal(headers["ratelimit-name"], "throttle_authenticated_api");
    assert.equal(headers["ratelimit-observed"], "21");
    assert.equal((await ask(as(other))).status, 200);
    assert.equal((await ask(as(sudo, { headers: { sudo: "busy" } }))).status, 200);
    // Of this server the next test wants more.
    await root.put("/application/settings", { throttle_authenticated_api_enabled: false });
    assert.equal((await ask(as(second))).status, 200);
  });

  test("python-gitlab waits until it may go on", async () => {
    await root.put("/application/settings", {
      throttle_authenticated_api_enabled: true,
      throttle_authenticated_api_requests_per_period: 3,
      throttle_authenticated_api_period_in_seconds: 1,
    });
    const program = `
import sys, gitlab
gl = gitlab.Gitlab(sys.argv[1], private_token=sys.argv[2])
codes = []
plain = gl.session.send
def send(*args, **kwargs):
    answer = plain(*args, **kwargs)
    codes.append(answer.status_code)
    return answer
gl.session.send = send
for _ in range(12):
    gl.auth()
assert codes.count(200) == 12 and 429 in codes, codes
print("all went through")
`;
    const args = ["-W", "ignore", "-c", program, server.url, server.token];
    const { stdout } = await promisify(execFile)(PYTHON, args);
    assert.equal(stdout, "all went through\n");
  });
});
