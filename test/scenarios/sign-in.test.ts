import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sessionSchema } from "@heliostat/contract/api/sessions.ts";
import { type Api, createApi } from "../support/api.ts";
import { openBrowserSession } from "../support/browser-session.ts";
import { startServer, type TestServer } from "../support/server.ts";

const PASSWORD = "vq7-hwxz of ada";

let server: TestServer;
let api: Api;

before(async () => {
  server = await startServer();
  api = createApi(server);
  await api.createUser("ada", PASSWORD);
});
after(async () => {
  await server.stop();
});

const messageOf = (body: unknown) => Object(body).message;

/** A browser in which this user is signed in. */
async function signedIn(username = "ada", password = PASSWORD) {
  const browser = openBrowserSession(server.url);
  const answer = await browser.signIn(username, password);
  assert.equal(answer.status, 200, answer.text);
  return browser;
}

describe("signing in", () => {
  test("gives a cookie that no script reads, and lets the browser use the API until it signs out", async () => {
    const browser = openBrowserSession(server.url);
    assert.deepEqual((await browser.ask("GET", "/-/session")).body, {
      ...{ user: null, csrf_token: null, expires_at: null, must_set_up_two_factor: false },
    });
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);

    const answer = await browser.signIn("ada", PASSWORD);
    assert.equal(answer.status, 200);
    assert.equal(Object(answer.body).user.username, "ada");
    assert.match(
      answer.headers.get("set-cookie") ?? "",
      /^_heliostat_session=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
    );
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal(answer.text.includes(browser.cookie() ?? "?"), false);

    assert.equal(Object((await browser.ask("GET", "/api/v4/user")).body).username, "ada");
    const made = await browser.ask("POST", "/api/v4/projects", { name: "by-session" });
    assert.equal(made.status, 201, made.text);

    const secret = browser.cookie();
    const out = await browser.signOut();
    assert.match(out.headers.get("set-cookie") ?? "", /^_heliostat_session=; Path=\/; Max-Age=0/);
    browser.setCookie(secret);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401, "the secret itself is dead");
    assert.equal((await browser.ask("POST", "/users/sign_out")).status, 204, "twice is no error");
  });

  test("makes a new secret each time, and ends the session that the browser had", async () => {
    const browser = await signedIn();
    const first = browser.cookie();
    await browser.signIn("ada", PASSWORD);
    assert.notEqual(browser.cookie(), first);
    browser.setCookie(first);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);
  });

  test("does not make good a secret that somebody else has put into the browser", async () => {
    const browser = openBrowserSession(server.url);
    const planted = "A".repeat(43);
    browser.setCookie(planted);
    await browser.signIn("ada", PASSWORD);
    assert.notEqual(browser.cookie(), planted);
    browser.setCookie(planted);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);
  });

  test("is refused with the same words for a wrong password, no such user and a blocked one", async () => {
    const blocked = await api.createUser("blocked-one", PASSWORD);
    await api.post(`/users/${blocked}/block`);
    const wrong = [
      await openBrowserSession(server.url).signIn("ada", "not it at all"),
      await openBrowserSession(server.url).signIn("nobody-here", "not it at all"),
      await openBrowserSession(server.url).signIn("blocked-one", "not it at all"),
    ];
    for (const { status, text, headers } of wrong) {
      assert.equal(status, 401);
      assert.equal(text, wrong[0]?.text);
      assert.equal(headers.get("set-cookie"), null);
      assert.equal(headers.get("www-authenticate"), null, "no browser asks for a password of its own");
    }
    const right = await openBrowserSession(server.url).signIn("blocked-one", PASSWORD);
    assert.equal(right.status, 403);
    assert.match(messageOf(right.body), /blocked/);
  });

  test("takes JSON and nothing else", async () => {
    const body = new URLSearchParams({ username: "ada", password: PASSWORD });
    const response = await fetch(`${server.url}/users/sign_in`, { method: "POST", body });
    assert.equal(response.status, 415);
    const empty = await openBrowserSession(server.url).ask("POST", "/users/sign_in", { username: "ada" });
    assert.equal(empty.status, 400);
    const query = await openBrowserSession(server.url).ask(
      "POST",
      `/users/sign_in?username=ada&password=${encodeURIComponent(PASSWORD)}`,
      {},
    );
    assert.equal(query.status, 400, "never from the query, which is in logs");
  });

  test("ends with the account: blocked, its sessions are gone for good", async () => {
    const id = await api.createUser("gone", PASSWORD);
    const browser = await signedIn("gone");
    await api.post(`/users/${id}/block`);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);
    await api.post(`/users/${id}/unblock`);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);
  });
});

describe("a request with the cookie of a session", () => {
  const refusals = {
    "without the token": { "x-csrf-token": null },
    "with another token": { "x-csrf-token": "A".repeat(43) },
    "with an empty token": { "x-csrf-token": "" },
    "from a page of another site": { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    "from a page of another site, by a browser that says no more": {
      origin: "https://evil.example",
      "sec-fetch-site": null,
    },
    "from a page of another name of the same site": { "sec-fetch-site": "same-site" },
    "from a page without an origin": { origin: "null", "sec-fetch-site": "cross-site" },
    "from a sandboxed frame": { origin: "null", "sec-fetch-site": null },
    "that does not say from where": { origin: null, "sec-fetch-site": null },
    "from another port of this machine": { origin: "http://127.0.0.1:1", "sec-fetch-site": null },
    "typed into the address bar": { origin: null, "sec-fetch-site": "none" },
  };
  for (const [what, headers] of Object.entries(refusals)) {
    test(`${what} changes nothing`, async () => {
      const browser = await signedIn();
      const name = `refused-${Object.keys(refusals).indexOf(what)}`;
      const answer = await browser.ask("POST", "/api/v4/projects", { name }, headers);
      assert.equal(answer.status, 403, answer.text);
      assert.match(messageOf(answer.body), /Reload the page/);
      assert.equal((await api.call("GET", `/projects/ada%2F${name}`)).status, 404);
      for (const method of ["PUT", "DELETE", "PATCH"]) {
        const path = method === "DELETE" ? "/api/v4/user/sessions" : "/api/v4/user/password";
        const other = await browser.ask(method, path, {}, headers);
        assert.ok([403, 405].includes(other.status), `${method}: ${other.text}`);
      }
      assert.equal((await browser.ask("POST", "/users/sign_out", undefined, headers)).status, 403);
      assert.equal((await browser.ask("GET", "/api/v4/user")).status, 200, "it is signed in still");
    });
  }

  test("and the token of another session changes nothing", async () => {
    const [mine, other] = [await signedIn(), await signedIn()];
    const headers = { "x-csrf-token": other.csrfToken() };
    assert.equal((await mine.ask("POST", "/api/v4/projects", { name: "mixed" }, headers)).status, 403);
  });

  test("tells its token to no page of another site", async () => {
    const browser = await signedIn();
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }]) {
      const answer = await browser.ask("GET", "/-/session", undefined, headers);
      assert.equal(answer.status, 403);
      assert.equal(answer.text.includes(browser.csrfToken() ?? "?"), false);
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
    }
  });

  test("and an access token is the access token's, and needs nothing more", async () => {
    const browser = await signedIn();
    const foreign = { "x-csrf-token": null, origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    const as = (name: string, value: string) => ({ ...foreign, [name]: value });
    const user = await browser.ask("GET", "/api/v4/user", undefined, as("private-token", server.token));
    assert.equal(Object(user.body).username, "root");
    const made = await browser.ask(
      "POST",
      "/api/v4/projects",
      { name: "by-token" },
      as("authorization", `Bearer ${server.token}`),
    );
    assert.equal(Object(made.body).path_with_namespace, "root/by-token");
    const unknown = await browser.ask("GET", "/api/v4/user", undefined, { "private-token": "unknown" });
    assert.equal(unknown.status, 401, "a wrong token is not made good by a cookie");
  });

  test("does not act for others: Sudo is for access tokens", async () => {
    const browser = await signedIn("root", server.password);
    const answer = await browser.ask("GET", "/api/v4/user", undefined, { sudo: "ada" });
    assert.equal(answer.status, 403);
  });

  test("is none for Git: a cookie that some page caused to be sent is no way to fetch or push", async () => {
    const browser = await signedIn();
    await browser.ask("POST", "/api/v4/projects", { name: "hidden", visibility: "private" });
    const path = "/ada/hidden.git/info/refs?service=git-upload-pack";
    assert.equal((await browser.ask("GET", path)).status, 401);
  });
});

describe("the sessions of a user", () => {
  test("are listed, and ended one by one or all but this", async () => {
    await api.createUser("lister", PASSWORD);
    const [mine, second, third] = [
      await signedIn("lister"),
      await signedIn("lister"),
      await signedIn("lister"),
    ];
    const answer = await mine.ask("GET", "/api/v4/user/sessions", undefined, { "user-agent": "Test/1" });
    const listed = sessionSchema.array().parse(answer.body);
    assert.equal(listed.length, 3);
    assert.equal(listed.filter(({ current }) => current).length, 1);
    assert.deepEqual([...new Set(listed.map(({ ip_address }) => ip_address))], ["127.0.0.1"]);
    for (const secret of [mine, second, third])
      assert.equal(answer.text.includes(secret.cookie() ?? "?"), false);

    const notMine = listed.find(({ current }) => !current);
    assert.equal((await mine.ask("DELETE", `/api/v4/user/sessions/${notMine?.id}`)).status, 204);
    assert.equal((await mine.ask("DELETE", `/api/v4/user/sessions/${notMine?.id}`)).status, 404);
    const others = await Promise.all([second, third].map((each) => each.ask("GET", "/api/v4/user")));
    assert.deepEqual(others.map(({ status }) => status).sort(), [200, 401]);
    assert.deepEqual((await mine.ask("DELETE", "/api/v4/user/sessions")).body, { ended: 1 });
    assert.equal((await mine.ask("GET", "/api/v4/user")).status, 200);
  });

  test("end with a changed password, but for the one that changed it", async () => {
    await api.createUser("changer", PASSWORD);
    const [mine, other] = [await signedIn("changer"), await signedIn("changer")];
    const change = (current_password: string, password: string) =>
      mine.ask("PUT", "/api/v4/user/password", { current_password, password });
    const wrong = await change("not it at all", "brand new one");
    assert.deepEqual([wrong.status, wrong.body], [400, { message: { current_password: ["is wrong"] } }]);
    const weak = await change(PASSWORD, "Password123");
    assert.deepEqual([weak.status, Object.keys(messageOf(weak.body))], [400, ["password"]]);
    assert.equal((await change(PASSWORD, "brand new one")).status, 204);
    assert.equal((await mine.ask("GET", "/api/v4/user")).status, 200);
    assert.equal((await other.ask("GET", "/api/v4/user")).status, 401);
    assert.equal((await openBrowserSession(server.url).signIn("changer", PASSWORD)).status, 401);
    await signedIn("changer", "brand new one");
  });

  test("end when an admin sets another password", async () => {
    const id = await api.createUser("locked-out", PASSWORD);
    const browser = await signedIn("locked-out");
    assert.equal(
      (await api.call("PUT", `/users/${id}/password`, { password: "set by an admin" })).status,
      204,
    );
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);
    await signedIn("locked-out", "set by an admin");
    const other = await signedIn();
    const refused = await other.ask("PUT", `/api/v4/users/${id}/password`, { password: "not yours to set" });
    assert.equal(refused.status, 403);
  });
});

describe("failures", () => {
  /** Ten at once, as the loudest client does. */
  const tenWrong = (username: string) =>
    Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        openBrowserSession(server.url).signIn(username, `guess ${Math.random()} ${n}`),
      ),
    );

  test("lock nobody out before there are many, then make them wait, by web and by Git alike", async () => {
    await api.createUser("patient", PASSWORD);
    for (const { status } of [...(await tenWrong("patient")), ...(await tenWrong("patient"))]) {
      assert.equal(status, 401);
    }
    await signedIn("patient");

    await api.createUser("guessed", PASSWORD);
    for (const { status } of [...(await tenWrong("guessed")), ...(await tenWrong("guessed"))]) {
      assert.equal(status, 401);
    }
    assert.equal((await openBrowserSession(server.url).signIn("guessed", "the last")).status, 401);

    const answer = await openBrowserSession(server.url).signIn("guessed", PASSWORD);
    assert.equal(answer.status, 429);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-5]$/);
    assert.equal(answer.headers.get("content-type"), "application/json");
    assert.deepEqual(answer.body, {
      message: { error: "This endpoint has been requested too many times. Try again later." },
    });
    const basic = Buffer.from(`guessed:${PASSWORD} `).toString("base64");
    const git = await fetch(`${server.url}/ada/hidden.git/info/refs?service=git-upload-pack`, {
      headers: { authorization: `Basic ${basic}` },
    });
    assert.equal(git.status, 429);
    assert.match(git.headers.get("retry-after") ?? "", /^[1-9]$/);
    assert.match(server.output(), /too many failed sign-ins/);
    await signedIn("ada");
  });

  test("of tokens do not keep a good token out", async () => {
    const stranger = api.as("hlpat-nobody-has-this");
    let last = 401;
    for (let n = 0; n < 130 && last === 401; n += 1) last = (await stranger.call("GET", "/user")).status;
    assert.equal(last, 429);
    assert.equal((await api.call("GET", "/user")).status, 200);
  });
});
