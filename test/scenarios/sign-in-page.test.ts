import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type BrowserPage, startBrowser } from "../support/browser.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";
import { provideUi } from "../support/web-ui.ts";

const PASSWORD = "vq7-hwxz of ada";

let server: TestServer;
let api: Api;
let page: BrowserPage;

before(async () => {
  await provideUi();
  server = await startServer();
  api = createApi(server);
  await api.createUser("ada", PASSWORD);
  page = await startBrowser();
  await page.setView({ width: 1280, height: 900, scheme: "light" });
});
after(async () => {
  await page?.close();
  await server?.stop();
});

/** Types into the form as it stands, and presses Enter. */
async function signIn(username: string, password: string): Promise<void> {
  await page.run(`document.querySelector("#username").value = ${JSON.stringify(username)}`);
  await page.run(`document.querySelector("#password").value = ${JSON.stringify(password)}`);
  await page.run(`document.querySelector("#password").focus()`);
  await page.press("Enter");
}

/** As `until`, on the way to another page: what is asked of the one that goes fails. */
async function arrive(expression: string): Promise<void> {
  await waitFor(() => page.run(expression).catch(() => false), {
    timeoutMs: 30_000,
    message: async () =>
      `${expression}; the page is ${String(await page.run("location.href").catch(String))}`,
  });
}

const path = () => page.run("location.pathname + location.search");

test("a person signs in by keyboard, is back where they came from, and signs out", async () => {
  await page.goTo(`${server.url}/-/mirrors`);
  await page.until(`!document.querySelector("#sign-in").hidden`);
  await page.run(`document.querySelector("#sign-in-link").click()`);
  await arrive(`document.querySelector("#submit")?.disabled === false`);
  assert.equal(await path(), "/users/sign_in?return_to=%2F-%2Fmirrors");
  assert.equal(await page.run("document.activeElement.id"), "username");

  await signIn("ada", "");
  assert.match(
    String(await page.until(`document.querySelector("#refused").textContent`)),
    /Enter your user name/,
  );
  await signIn("ada", "not it at all");
  await page.until(`/wrong/.test(document.querySelector("#refused").textContent)`);
  assert.equal(await page.run("document.activeElement.id"), "password");
  assert.equal(await page.run(`document.querySelector("#password").getAttribute("aria-invalid")`), "true");

  await signIn("ada", PASSWORD);
  await arrive(`location.pathname === "/-/mirrors" && document.querySelector("#lists")?.hidden === false`);
  assert.equal(await page.run(`document.querySelector("#who").textContent`), "ada");
  assert.equal(await page.run("document.cookie"), "", "no script reads the session");
  assert.equal(await page.run(`document.querySelector("#sign-in").hidden`), true);

  await page.run(`document.querySelector("#forget").click()`);
  await arrive(`document.querySelector("#sign-in")?.hidden === false`);
  assert.equal(await page.run(`fetch("/api/v4/user").then((answer) => answer.status)`), 401);
});

test("who is signed in already is told so", async () => {
  await page.goTo(`${server.url}/users/sign_in`);
  await signIn("ada", PASSWORD);
  await arrive(`location.pathname === "/"`);
  await page.goTo(`${server.url}/users/sign_in?return_to=//evil.example/`);
  await page.until(`!document.querySelector("#signed-in").hidden`);
  assert.match(String(await page.run("document.body.innerText")), /You are signed in\s+As ada\./);
  assert.equal(await page.run(`document.querySelector("#continue").href`), `${server.url}/`);
});

test("a page of another site makes a signed-in browser change nothing, and read nothing", async () => {
  await page.goTo(`${server.url}/users/sign_in`);
  await page.until(`!document.querySelector("#signed-in").hidden`);
  const before = await api.get("/projects?owned=true");
  const evil = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<title>evil</title>");
  });
  evil.listen(0, "127.0.0.1");
  await once(evil, "listening");
  const address = evil.address();
  assert.ok(address !== null && typeof address !== "string");
  try {
    // Another name, so another site: the cookie is not even sent. Another port of the same name: it is.
    for (const host of ["localhost", "127.0.0.1"]) {
      await page.goTo(`http://${host}:${address.port}/`);
      const target = JSON.stringify(`${server.url}/api/v4/projects`);
      const send = (options: string) =>
        page.run(`fetch(${target}, ${options}).then((answer) => answer.type, () => "refused")`);
      const body = `body: new URLSearchParams({ name: "made-by-evil" })`;
      await send(`{ method: "POST", mode: "no-cors", credentials: "include", ${body} }`);
      await send(`{ method: "POST", credentials: "include", ${body} }`);
      await send(`{ method: "POST", credentials: "include", headers: { "x-csrf-token": "x" }, ${body} }`);
      const read = `fetch(${JSON.stringify(`${server.url}/-/session`)}, { credentials: "include" })`;
      assert.equal(await page.run(`${read}.then((answer) => answer.text(), () => "refused")`), "refused");
      // A form that sends itself: a navigation, with which cookies go the furthest.
      await page.run(`{
        const form = document.createElement("form");
        Object.assign(form, { method: "post", action: ${target} });
        const name = document.createElement("input");
        Object.assign(name, { name: "name", value: "made-by-evil" });
        form.append(name);
        document.body.append(form);
        form.submit();
      }`);
      await arrive(`location.href.startsWith(${target}) && document.readyState === "complete"`);
      const shown = String(await page.run("document.body.innerText"));
      assert.match(shown, host === "localhost" ? /401/ : /did not come from a page of this server/);
    }
  } finally {
    evil.closeAllConnections();
    evil.close();
  }
  assert.deepEqual(await api.get("/projects?owned=true"), before);
  assert.equal((await api.call("GET", "/projects/ada%2Fmade-by-evil")).status, 404);
  await page.goTo(`${server.url}/`);
  assert.equal(await page.run(`fetch("/api/v4/user").then((answer) => answer.status)`), 200);
});
