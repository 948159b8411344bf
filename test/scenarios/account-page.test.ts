import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { instanceHostKeySchema } from "@heliostat/contract/api/instance.ts";
import { createApi } from "../support/api.ts";
import { codeAt } from "../support/authenticator.ts";
import { type BrowserPage, startBrowser } from "../support/browser.ts";
import { makeTempDir } from "../support/repositories.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { provideUi } from "../support/web-ui.ts";

const PASSWORD = "vq7-hwxz of ada";

let server: TestServer;
let page: BrowserPage;

before(async () => {
  await provideUi();
  server = await startServer({
    env: {
      // Nobody is there: the page shows the button all the same.
      HELIOSTAT_OIDC_ISSUER: "http://127.0.0.1:9",
      HELIOSTAT_OIDC_CLIENT_ID: "heliostat",
      HELIOSTAT_OIDC_NAME: "Our <b>GitLab</b>",
      HELIOSTAT_SSH_LISTEN: "127.0.0.1:0",
    },
  });
  const api = createApi(server);
  await api.createUser("ada", PASSWORD);
  await api.put("/application/settings", { require_two_factor_authentication: true });
  page = await startBrowser();
  await page.setView({ width: 1280, height: 900, scheme: "light" });
});
after(async () => {
  await page?.close();
  await server?.stop();
});

async function fill(id: string, value: string): Promise<void> {
  await page.until(`document.querySelector("#${id}") !== null`);
  await page.run(`document.querySelector("#${id}").value = ${JSON.stringify(value)}`);
}

async function enter(id: string, value: string): Promise<void> {
  await fill(id, value);
  await page.run(`document.querySelector("#${id}").focus()`);
  await page.press("Enter");
}

const says = (pattern: RegExp) =>
  page.until(`${pattern}.test(document.querySelector("#refused").textContent)`);

test("a person sets up a second factor that they must have, and signs in with it", async () => {
  await page.goTo(`${server.url}/users/sign_in`);
  await page.until(`document.querySelector("#elsewhere").hidden === false`);
  assert.equal(
    await page.run(`document.querySelector("#provider").innerText`),
    "Sign in with Our <b>GitLab</b>",
  );
  await fill("username", "ada");
  await enter("password", PASSWORD);

  await page.until(`location.pathname === "/-/account" && document.querySelector("#content form") !== null`);
  assert.match(String(await page.run("document.body.innerText")), /must have a second factor here/);
  await enter("password", "not it");
  await says(/The password is wrong/);
  await enter("password", PASSWORD);
  const shown = String(await page.until(`document.querySelector("#secret")?.textContent`));
  await enter("code", "000000");
  await says(/The code is wrong/);
  await enter("code", codeAt(shown.replaceAll(" ", ""), Date.now() - 30_000));
  await page.until(`document.querySelectorAll("#codes li").length === 10`);
  const recoveryCode = String(await page.run(`document.querySelector("#codes li").textContent`));
  await page.run(`document.querySelector("#content button").click()`);
  await page.until(`/It is on. Recovery codes left: 10/.test(document.body.innerText)`);

  await page.clearCookies();
  await page.goTo(`${server.url}/users/sign_in`);
  await page.until(`document.querySelector("#submit").disabled === false`);
  assert.equal(await page.run(`document.querySelector("#second-factor").hidden`), true);
  await fill("username", "ada");
  await enter("password", PASSWORD);
  await page.until(`document.querySelector("#second-factor").hidden === false`);
  assert.equal(await page.run("document.activeElement.id"), "code");
  await enter("code", "000000");
  await says(/The code is wrong, or was used before/);
  await enter("code", recoveryCode);
  await page.until(`location.pathname === "/"`);
  await page.goTo(`${server.url}/-/account`);
  await page.until(`/Recovery codes left: 9/.test(document.body.innerText)`);
});

test("they see the server's host keys, add an SSH key, and remove it", async () => {
  const hostKeys = instanceHostKeySchema.array().parse(await createApi(server).get("/ssh_host_keys"));
  await page.until(`document.querySelectorAll("#host-keys li").length === ${hostKeys.length}`);
  const shown = await page.run(
    `[...document.querySelectorAll("#host-keys .fingerprint")].map((each) => each.textContent)`,
  );
  assert.deepEqual(
    shown,
    hostKeys.map(({ fingerprint_sha256 }) => fingerprint_sha256),
  );
  await page.run(`document.querySelector("#host-keys button").click()`);
  const first = JSON.stringify(hostKeys[0]?.fingerprint_sha256);
  await page.until(`navigator.clipboard.readText().then((text) => text === ${first})`);

  const { algorithm, key } = await makeKey(await makeTempDir({ after }), "ada", "-t", "ed25519");
  const paste = async (line: string) => {
    await fill("ssh-key", line);
    await page.run(`document.querySelector("#ssh-key").dispatchEvent(new Event("input"))`);
    await page.run(`document.querySelector("#add-ssh-key button").click()`);
  };
  const keyPanelSays = (pattern: RegExp) =>
    page.until(`${pattern}.test(document.querySelector("#ssh-keys-refused").textContent)`);
  await paste("ssh-ed25519 nonsense my <b>laptop</b>");
  await keyPanelSays(/^The key /);
  await paste(`${algorithm} ${key} unused`);
  await page.until(`document.querySelectorAll("#ssh-keys li").length === 1`);
  const row = String(await page.run(`document.querySelector("#ssh-keys li").innerText`));
  assert.match(row, /^my <b>laptop<\/b>\s+SHA256:\S{43}\s+Never used/);
  await paste(`${algorithm} ${key} again`);
  await keyPanelSays(/has already been taken/);

  const remove = `document.querySelector("#ssh-keys button")`;
  await page.run(`${remove}.click()`);
  assert.equal(await page.run(`${remove}.textContent`), "Sure?");
  await page.run(`${remove}.click()`);
  await page.until(`document.querySelectorAll("#ssh-keys li").length === 0`);
});
