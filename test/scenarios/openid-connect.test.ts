import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { identitySchema } from "@heliostat/contract/api/identities.ts";
import { type Api, createApi } from "../support/api.ts";
import { codeAt } from "../support/authenticator.ts";
import { type BrowserPage, startBrowser } from "../support/browser.ts";
import { startOidcProvider, type TestProvider } from "../support/oidc-provider.ts";
import { startServer, type TestServer } from "../support/server.ts";

const PASSWORD = "vq7-hwxz of everybody";
const NAME = "Corporate <b>SSO</b>";

const PEOPLE = {
  "sub-of-ada": {
    email: "ada@corp.example",
    email_verified: true,
    preferred_username: "ada",
    name: "Ada L.",
  },
  "another-ada": { email: "ada2@corp.example", preferred_username: "ada" },
  "sub-of-root": { email: "root@localhost", email_verified: true, preferred_username: "root" },
  "sub-of-grace": { email: "grace@example.com", email_verified: true, preferred_username: "grace" },
  "no-address": { preferred_username: "nobody" },
  unverified: { email: "un@corp.example", email_verified: false },
};

let provider: TestProvider;
let server: TestServer;
let api: Api;
let browser: BrowserPage;

before(async () => {
  const port = await freePort();
  server = await startServer({
    env: {
      HELIOSTAT_OIDC_ISSUER: `http://localhost:${port}`,
      HELIOSTAT_OIDC_CLIENT_ID: "heliostat-under-test",
      HELIOSTAT_OIDC_CLIENT_SECRET: "client-secret-under-test",
      HELIOSTAT_OIDC_NAME: NAME,
      HELIOSTAT_ALLOW_LOCAL_REMOTES: "false",
    },
  });
  api = createApi(server);
  browser = await startBrowser();
  provider = await startOidcProvider({
    port,
    redirectUri: `${server.url}/users/auth/oidc/callback`,
    people: PEOPLE,
  });
});
after(async () => {
  await browser.close();
  await provider.stop();
  await server.stop();
});

async function freePort(): Promise<number> {
  const listening = createServer().listen(0, "127.0.0.1");
  await once(listening, "listening");
  const address = listening.address();
  await new Promise((resolve) => listening.close(resolve));
  assert(address !== null && typeof address !== "string");
  return address.port;
}

/** Leaves both servers as a fresh browser would come to them. */
async function forgetEverything(): Promise<void> {
  await browser.clearCookies();
}

/** Goes the whole way from the provider's page on, as this person, and waits until the browser is back. */
async function signInAtProvider(sub: string): Promise<void> {
  await browser.until(`document.querySelector('input[name="login"]') !== null`);
  await browser.run(`(() => {
    document.querySelector('input[name="login"]').value = ${JSON.stringify(sub)};
    document.querySelector('input[name="password"]').value = "any";
    document.querySelector("form").submit();
  })()`);
  // The provider asks whether it may tell who they are.
  await browser.until(`location.origin === ${JSON.stringify(server.url)}
    || document.querySelector('input[name="prompt"][value="consent"]') !== null`);
  await browser.run(`document.querySelector('input[name="prompt"][value="consent"]')?.form.submit()`);
  await browser.until(
    `location.origin === ${JSON.stringify(server.url)} && document.readyState === "complete"`,
  );
}

async function begin(): Promise<void> {
  await browser.leaveFor(`${server.url}/users/auth/oidc`);
}

async function signInAs(sub: string): Promise<void> {
  await forgetEverything();
  await begin();
  await signInAtProvider(sub);
}

/** From a page that says what went wrong nothing can be asked: its CSP sees to that. */
async function toPlainPage(): Promise<void> {
  await browser.goTo(`${server.url}/-/liveness`);
}

/** Who the browser is signed in as; null: nobody. */
async function whoIs(): Promise<string | null> {
  await toPlainPage();
  const session = await browser.run(`fetch("/-/session").then((answer) => answer.json())`);
  return Object(session).user?.username ?? null;
}

const pageText = async () => String(await browser.run("document.body.innerText"));

/** A change, as a page of ours asks for it. */
async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  await toPlainPage();
  return await browser.run(`(async () => {
    const { csrf_token } = await (await fetch("/-/session")).json();
    const answer = await fetch(${JSON.stringify(path)}, {
      method: ${JSON.stringify(method)},
      headers: { "x-csrf-token": csrf_token, "content-type": "application/json" },
      ${body === undefined ? "" : `body: ${JSON.stringify(JSON.stringify(body))},`}
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
  })()`);
}

async function failuresNoted(): Promise<readonly string[]> {
  const events = await api.get("/audit_events?per_page=100");
  assert(Array.isArray(events));
  return events
    .map((event) => JSON.stringify(event))
    .filter((event) => event.includes("sign-in-failed"))
    .map((event) => /"reason":"([\w-]+)"/.exec(event)?.[1] ?? "");
}

describe("signing in at a provider", () => {
  test("makes an account the first time, and finds it the next", async () => {
    await signInAs("sub-of-ada");
    assert.equal(await whoIs(), "ada");
    const me = Object(await ask("GET", "/api/v4/user")).body;
    assert.deepEqual([me.email, me.name, me.is_admin], ["ada@corp.example", "Ada L.", false]);
    const sessions = Object(await ask("GET", "/api/v4/user/sessions")).body;
    assert.equal(sessions[0].method, "oidc");
    await signInAs("sub-of-ada");
    assert.equal(Object(await ask("GET", "/api/v4/user")).body.id, me.id);
  });

  test("numbers a name that somebody has", async () => {
    await signInAs("another-ada");
    assert.equal(await whoIs(), "ada1");
  });

  test("takes no account over by its e-mail address", async () => {
    await signInAs("sub-of-root");
    assert.match(await pageText(), /There is an account with your e-mail address here/);
    assert.equal(await whoIs(), null);
  });

  test("needs an address, and one that is verified", async () => {
    await signInAs("no-address");
    assert.match(await pageText(), /does not tell your e-mail address/);
    assert.equal(await whoIs(), null);
    await signInAs("unverified");
    assert.match(await pageText(), /not verified at Corporate <b>SSO<\/b>/);
    assert.equal(await whoIs(), null);
  });

  test("is refused to a blocked user", async () => {
    const [ada] = await findUser("ada");
    await api.post(`/users/${ada?.id}/block`);
    await signInAs("sub-of-ada");
    assert.match(await pageText(), /Your account has been blocked/);
    assert.equal(await whoIs(), null);
    await api.post(`/users/${ada?.id}/unblock`);
  });

  test("needs no second factor of ours, also where everybody must have one", async () => {
    await api.put("/application/settings", { require_two_factor_authentication: true });
    await signInAs("sub-of-ada");
    assert.equal(Object(await ask("GET", "/api/v4/user")).status, 200);
    await api.put("/application/settings", { require_two_factor_authentication: false });
  });
});

async function findUser(username: string): Promise<readonly { readonly id: number }[]> {
  const users = await api.get(`/users?username=${username}`);
  assert(Array.isArray(users));
  return users;
}

describe("an account that is there", () => {
  async function signInWithPassword(username: string): Promise<void> {
    await forgetEverything();
    await browser.goTo(`${server.url}/-/health`);
    const given = JSON.stringify(JSON.stringify({ username, password: PASSWORD }));
    const status = await browser.run(`fetch("/users/sign_in", {
      method: "POST", headers: { "content-type": "application/json" }, body: ${given},
    }).then((answer) => answer.status)`);
    assert.equal(status, 200);
  }

  async function connect(sub: string): Promise<void> {
    const proof = { current_password: PASSWORD };
    const { body } = Object(await ask("POST", "/users/auth/oidc/connect", proof));
    await browser.leaveFor(body.url);
    await signInAtProvider(sub);
  }

  test("is not connected by whoever has to set up a second factor first", async () => {
    await api.createUser("joan", PASSWORD);
    await api.put("/application/settings", { require_two_factor_authentication: true });
    await signInWithPassword("joan");
    const refused = Object(await ask("POST", "/users/auth/oidc/connect", { current_password: PASSWORD }));
    await api.put("/application/settings", { require_two_factor_authentication: false });
    assert.equal(refused.status, 403);
    const later = Object(await ask("POST", "/users/auth/oidc/connect", { current_password: PASSWORD }));
    assert.equal(later.status, 200);
  });

  test("is connected by whoever is signed in, and disconnected", async () => {
    await api.createUser("grace", PASSWORD);
    await signInWithPassword("grace");
    await connect("sub-of-grace");
    assert.equal(await whoIs(), "grace");
    const listed = Object(await ask("GET", "/api/v4/user/identities")).body;
    const [identity] = identitySchema.array().parse(listed);
    assert.deepEqual([identity?.extern_uid, identity?.provider], ["sub-of-grace", provider.issuer]);

    await signInAs("sub-of-grace");
    assert.equal(await whoIs(), "grace");
    assert.equal(Object(await ask("DELETE", `/api/v4/user/identities/${identity?.id}`)).status, 204);
    await signInAs("sub-of-grace");
    assert.match(await pageText(), /There is an account with your e-mail address here/);
  });

  test("is not connected from a session alone: that takes the password, and a code of who has a second factor", async () => {
    await signInWithPassword("grace");
    for (const body of [undefined, {}, { current_password: "" }, { current_password: `${PASSWORD}!` }]) {
      const refused = Object(await ask("POST", "/users/auth/oidc/connect", body));
      assert.equal(refused.status, 400, JSON.stringify(body));
      assert.match(JSON.stringify(refused.body), /current_password/);
    }
    const given = { current_password: PASSWORD };
    const { secret } = Object(await ask("POST", "/api/v4/user/two_factor", given)).body;
    const confirmed = await ask("POST", "/api/v4/user/two_factor/confirm", {
      code: codeAt(secret, Date.now()),
    });
    const [code] = Object(confirmed).body.recovery_codes;
    for (const wrong of [undefined, "", "000000"]) {
      const refused = Object(await ask("POST", "/users/auth/oidc/connect", { ...given, code: wrong }));
      assert.equal(refused.status, 400, `code ${wrong}`);
      assert.match(JSON.stringify(refused.body), /code/);
    }
    assert.equal(Object(await ask("POST", "/users/auth/oidc/connect", { ...given, code })).status, 200);
    const [user] = await findUser("grace");
    await api.call("PATCH", `/users/${user?.id}/disable_two_factor`);
  });

  test("is not connected to somebody else's identity", async () => {
    await signInWithPassword("grace");
    await connect("sub-of-ada");
    assert.match(await pageText(), /connected to another account here/);
    assert.equal(await whoIs(), "grace");
  });

  test("keeps the only way by which its user can sign in", async () => {
    await signInAs("sub-of-ada");
    const [identity] = identitySchema.array().parse(Object(await ask("GET", "/api/v4/user/identities")).body);
    assert.equal(Object(await ask("DELETE", `/api/v4/user/identities/${identity?.id}`)).status, 409);
  });
});

describe("what does not hold", () => {
  const callback = "/users/auth/oidc/callback";

  test("an answer that nobody asked for, or that comes twice", async () => {
    await forgetEverything();
    await browser.goTo(`${server.url}${callback}?code=x&state=y`);
    assert.match(await pageText(), /not begun in this browser, was used before, or took longer/);
    await begin();
    await browser.until(`document.querySelector('input[name="login"]') !== null`);
    await browser.goTo(`${server.url}${callback}?code=x&state=of-somebody-else`);
    assert.match(await pageText(), /does not fit to what was asked/);
    assert.equal(await whoIs(), null);
    assert.deepEqual((await failuresNoted()).slice(0, 2), ["sign-in-untrusted", "sign-in-expired"]);
  });

  test("a person who says no at the provider", async () => {
    await forgetEverything();
    await begin();
    await browser.until(`document.querySelector('input[name="login"]') !== null`);
    await browser.run(`document.querySelector('a[href$="/abort"]').click()`);
    await browser.until(
      `location.origin === ${JSON.stringify(server.url)} && document.readyState === "complete"`,
    );
    assert.match(await pageText(), /did not let you in: access_denied/);
    assert.deepEqual((await failuresNoted()).slice(0, 1), ["provider-refused"]);
  });

  test("a token with another nonce, and one from another issuer", async () => {
    for (const change of [{ nonce: "another" }, { iss: "https://evil.example" }, { aud: "somebody else" }]) {
      provider.changeTokens(change);
      await signInAs("sub-of-ada");
      provider.changeTokens(null);
      assert.match(
        await pageText(),
        /cannot be trusted|does not fit to what was asked/,
        JSON.stringify(change),
      );
      assert.equal(await whoIs(), null);
    }
    assert.deepEqual((await failuresNoted()).slice(0, 1), ["sign-in-untrusted"]);
  });

  test("a clock that is a minute wrong is let pass, one that is an hour wrong is named", async () => {
    const now = Math.floor(Date.now() / 1000);
    provider.changeTokens({ iat: now + 45 });
    await signInAs("sub-of-ada");
    assert.equal(await whoIs(), "ada");
    provider.changeTokens({ iat: now - 7200, exp: now - 3600 });
    await signInAs("sub-of-ada");
    provider.changeTokens(null);
    assert.match(await pageText(), /compare the clocks/);
    assert.equal(await whoIs(), null);
  });

  test("nothing of the client secret, of tokens or of codes is in the log", () => {
    assert.equal(server.output().includes("client-secret-under-test"), false);
    assert.doesNotMatch(server.output(), /eyJ[\w-]{10,}\./);
    assert.doesNotMatch(server.output(), /[?&]code=/);
  });
});

describe("a provider that is down", () => {
  test("stops neither the start nor passwords, says what to do, and is asked again", async () => {
    const { port } = provider;
    await provider.stop();
    await server.restart();
    await forgetEverything();
    await browser.goTo(`${server.url}/users/auth/oidc`);
    assert.match(await pageText(), /Corporate <b>SSO<\/b> does not answer\. Try again in a moment/);
    assert.equal((await fetch(`${server.url}/users/auth/oidc`)).status, 503);
    const signedIn = await fetch(`${server.url}/users/sign_in`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "grace", password: PASSWORD }),
    });
    assert.equal(signedIn.status, 200);

    const redirectUri = `${server.url}${"/users/auth/oidc/callback"}`;
    provider = await startOidcProvider({ port, redirectUri, people: PEOPLE });
    await signInAs("sub-of-ada");
    assert.equal(await whoIs(), "ada");
  });

  test("or is none at all: the page says whom to tell", async () => {
    await server.restart();
    provider.answerInstead("/.well-known/openid-configuration", (response) => {
      response
        .setHeader("content-type", "application/json")
        .end(JSON.stringify({ issuer: "https://evil.example" }));
    });
    const answer = await fetch(`${server.url}/users/auth/oidc`);
    provider.answerInstead("/.well-known/openid-configuration", null);
    assert.equal(answer.status, 422);
    assert.match(await answer.text(), /calls itself by another address.*HELIOSTAT_OIDC_ISSUER/);
  });
});
