import assert from "node:assert/strict";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { currentSessionSchema } from "@heliostat/contract/api/sessions.ts";
import {
  recoveryCodesSchema,
  twoFactorSchema,
  twoFactorSecretSchema,
} from "@heliostat/contract/api/two-factor.ts";
import { type Api, createApi } from "../support/api.ts";
import { codeAt } from "../support/authenticator.ts";
import { type BrowserSession, openBrowserSession } from "../support/browser-session.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { refsAt, withCredentials } from "../support/working-copy.ts";

const PASSWORD = "vq7-hwxz of everybody";
const STEP_MS = 30_000;

let server: TestServer;
let api: Api;

before(async () => {
  server = await startServer({ database: "embedded" });
  api = createApi(server);
});
after(async () => {
  await server.stop();
});

/** The app of somebody: its codes, each one of a later step than the one before. Three are good at any moment. */
function openApp(secret: string) {
  let last = 0;
  return {
    async next(): Promise<string> {
      const step = await waitFor(
        () => {
          const now = Math.floor(Date.now() / STEP_MS);
          return last <= now && Math.max(last + 1, now - 1);
        },
        { timeoutMs: 2 * STEP_MS, message: "the app shows another code" },
      );
      last = step;
      return codeAt(secret, step * STEP_MS);
    },
  };
}

async function signedIn(username: string, code?: string): Promise<BrowserSession> {
  const browser = openBrowserSession(server.url);
  const answer = await browser.signIn(username, PASSWORD, {}, code);
  assert.equal(answer.status, 200, answer.text);
  return browser;
}

/** Sets a second factor up, and answers the app and the recovery codes. */
async function setUp(browser: BrowserSession) {
  const begun = await browser.ask("POST", "/api/v4/user/two_factor", { current_password: PASSWORD });
  assert.equal(begun.status, 201, begun.text);
  const { secret } = twoFactorSecretSchema.parse(begun.body);
  const app = openApp(secret);
  const confirmed = await browser.ask("POST", "/api/v4/user/two_factor/confirm", { code: await app.next() });
  assert.equal(confirmed.status, 201, confirmed.text);
  return { app, secret, codes: recoveryCodesSchema.parse(confirmed.body).recovery_codes };
}

const codeOf = ({ body }: { readonly body: unknown }) => Object(body).error_code;

describe("signing in with a second factor", () => {
  test("needs a code beside the password, once each, or a recovery code", async () => {
    await api.createUser("ada", PASSWORD);
    const first = await signedIn("ada");
    const elsewhere = await signedIn("ada");
    const { app, codes } = await setUp(first);
    assert.equal((await elsewhere.ask("GET", "/api/v4/user")).status, 401, "the other session has ended");
    assert.equal(Object((await first.ask("GET", "/api/v4/user")).body).two_factor_enabled, true);

    const without = await openBrowserSession(server.url).signIn("ada", PASSWORD);
    assert.deepEqual([without.status, codeOf(without)], [401, "second-factor-needed"]);
    assert.equal(without.headers.get("set-cookie"), null);
    const code = await app.next();
    const wrongPassword = await openBrowserSession(server.url).signIn("ada", "no", {}, code);
    assert.deepEqual([wrongPassword.status, codeOf(wrongPassword)], [401, undefined]);

    const both = await Promise.all(
      [1, 2].map(() => openBrowserSession(server.url).signIn("ada", PASSWORD, {}, code)),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401], "a code is good once");
    await signedIn("ada", codes[0]);
    const again = await openBrowserSession(server.url).signIn("ada", PASSWORD, {}, codes[0]);
    assert.deepEqual([again.status, codeOf(again)], [401, "second-factor-needed"]);
    const state = await first.ask("GET", "/api/v4/user/two_factor");
    assert.equal(twoFactorSchema.parse(state.body).recovery_codes_left, 9);
  });

  test("wrong codes have to wait, however often the password is right", async () => {
    await api.createUser("grace", PASSWORD);
    const { codes } = await setUp(await signedIn("grace"));
    const answers = [];
    for (let tried = 0; tried < 12; tried += 1) {
      answers.push(await openBrowserSession(server.url).signIn("grace", PASSWORD, {}, "000000"));
    }
    assert.deepEqual(answers.map(({ status }) => status).slice(0, 11), Array(11).fill(401));
    assert.equal(answers[11]?.status, 429);
    assert.match(answers[11]?.headers.get("retry-after") ?? "", /^[1-5]$/);
    const right = await openBrowserSession(server.url).signIn("grace", PASSWORD, {}, codes[0]);
    assert.equal(right.status, 429);
  });

  test("git takes a token, and says so where a password comes", async () => {
    const id = await api.createUser("linus", PASSWORD);
    const token = await api.createToken(id, ["api"]);
    const browser = await signedIn("linus");
    await createApi({ url: server.url, token }).createProject("kernel");
    const list = (secret: string) =>
      refsAt(withCredentials(`${server.url}/linus/kernel.git`, "linus", secret));
    assert.deepEqual(await list(PASSWORD), {});
    await setUp(browser);
    await assert.rejects(list(PASSWORD), /HTTP Basic: Access denied.*use a personal access token/);
    assert.deepEqual(await list(token), {});
  });
});

describe("a second factor that is lost", () => {
  test("is taken away by an admin through the API", async () => {
    const id = await api.createUser("barbara", PASSWORD);
    await setUp(await signedIn("barbara"));
    const path = `/api/v4/users/${id}/disable_two_factor`;
    const patch = (token: string) =>
      fetch(server.url + path, { method: "PATCH", headers: { "PRIVATE-TOKEN": token } });
    assert.equal((await patch(await api.createToken(id, ["api"]))).status, 403);
    assert.equal((await patch(server.token)).status, 204);
    assert.equal((await patch(server.token)).status, 400);
    await signedIn("barbara");
  });

  test("is taken away on the machine of the server", async () => {
    await api.createUser("margaret", PASSWORD);
    await setUp(await signedIn("margaret"));
    const disable = () =>
      runHeliostat(["admin", "disable-two-factor", "margaret"], { HELIOSTAT_DATA_DIR: server.dataDir });
    const done = await disable();
    assert.deepEqual([done.exitCode, done.stderr], [0, ""]);
    await signedIn("margaret");
    const twice = await disable();
    assert.equal(twice.exitCode, 1);
    assert.match(twice.stderr, /margaret has no second factor/);
  });

  test("with the secrets file: recovery codes are good, doctor says whose, and the old file heals it", async () => {
    await api.createUser("annie", PASSWORD);
    const { app, codes } = await setUp(await signedIn("annie"));
    const file = join(server.dataDir, "secrets.json");
    const aside = join(server.dataDir, "secrets.json.aside");
    await copyFile(file, aside);
    await rm(file);
    await server.restart();
    const code = await app.next();
    const refused = await openBrowserSession(server.url).signIn("annie", PASSWORD, {}, code);
    assert.equal(refused.status, 401);
    assert.match(Object(refused.body).message, /secrets file of this server is lost.*recovery code/);
    await signedIn("annie", codes[0]);

    const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token };
    const doctor = await runHeliostat(["doctor"], env);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, /PROBLEM {2}second factors: \d cannot be checked/);
    assert.match(doctor.stdout, /- annie/);

    await copyFile(aside, file);
    await signedIn("annie", code);
    const rotated = await runHeliostat(["admin", "rotate-secrets", "--remove-old-keys"], env);
    assert.deepEqual([rotated.exitCode, rotated.stderr], [0, ""]);
    assert.match(rotated.stdout, /Sealed with it: \d+ secret/);
    await signedIn("annie", await app.next());
    const well = await runHeliostat(["doctor"], env);
    assert.match(well.stdout, /ok {7}second factors: all can be checked/);
  });
});

describe("where everybody must have one", () => {
  before(async () => {
    await api.put("/application/settings", { require_two_factor_authentication: true });
  });
  after(async () => {
    await api.put("/application/settings", { require_two_factor_authentication: false });
  });

  test("a session without it can set it up, and do nothing else", async () => {
    const id = await api.createUser("joan", PASSWORD);
    const token = await api.createToken(id, ["api"]);
    const browser = openBrowserSession(server.url);
    const answer = await browser.signIn("joan", PASSWORD);
    assert.equal(currentSessionSchema.parse(answer.body).must_set_up_two_factor, true);
    for (const path of [
      "/api/v4/user",
      "/api/v4/projects",
      "/api/v4/user/sessions",
      "/api/v4/user/identities",
    ]) {
      const refused = await browser.ask("GET", path);
      assert.equal(refused.status, 403, path);
      assert.match(refused.text, /asks for a second factor/);
    }
    const made = await browser.ask("POST", "/api/v4/projects", { name: "p" });
    assert.equal(made.status, 403);
    assert.equal((await createApi({ url: server.url, token }).call("GET", "/user")).status, 200);
    await setUp(browser);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 200);
    const session = await browser.ask("GET", "/-/session");
    assert.equal(currentSessionSchema.parse(session.body).must_set_up_two_factor, false);
  });
});
