import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mirrorOfAnyProjectSchema } from "@heliostat/contract/api/mirror-attention.ts";
import { type MirrorAnswer, mirrorSchema } from "@heliostat/contract/api/mirrors.ts";
import { type Api, createApi, type Parameters, projectPath } from "../support/api.ts";
import { type BrowserPage, startBrowser } from "../support/browser.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type SshPeer, startSshPeer } from "../support/ssh-peer.ts";
import { waitFor } from "../support/wait-for.ts";
import { provideUi } from "../support/web-ui.ts";

const SECRET = "planted-Pa55word";
/** Would run if anything put it into the page as more than text. */
const HOSTILE = "<img src=x onerror=document.title='owned'>";
const DAY_MS = 24 * 3600 * 1000;

let server: TestServer;
let api: Api;
let root: string;
let locked: GitHttpPeer;
let sshd: SshPeer;
let page: BrowserPage;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  root = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  await provideUi();
  locked = await startGitHttpPeer({ root, auth: { username: "bot", password: SECRET } });
  cleanups.push(() => locked.close());
  sshd = await startSshPeer({ root, accounts: [{ name: "git" }] });
  cleanups.push(() => sshd.close());
  server = await startServer();
  cleanups.push(() => server.stop());
  api = createApi(server);
  await api.put("/application/settings", {
    ...{ push_mirror_min_interval_seconds: 0, pull_mirror_min_interval_seconds: 0 },
  });
  page = await startBrowser();
  cleanups.push(() => page.close());
  await page.setView({ width: 1280, height: 900, scheme: "light" });
});

after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

/** A project with a commit, and a push mirror of it. */
async function addMirror(name: string, settings: Parameters): Promise<MirrorAnswer> {
  await makeRepository(join(root, `${name}.git`));
  const { id } = await api.createProject(name);
  await makeCommit(server.repositoryOf(id));
  const url = settings["url"] ?? locked.urlOf(`${name}.git`);
  const made = await api.post(`${projectPath(`root/${name}`)}/mirrors`, {
    ...{ direction: "push", url, ...settings },
  });
  return mirrorSchema.parse(made);
}

async function reasonsOf(): Promise<Readonly<Record<string, readonly string[]>>> {
  const waiting = mirrorOfAnyProjectSchema.array().parse(await api.get("/mirrors/attention"));
  return Object.fromEntries(waiting.map(({ project_path, reasons }) => [project_path, reasons]));
}

/** The card of a mirror, as an expression. */
const card = (mirror: MirrorAnswer) => `document.querySelector('[data-mirror="${mirror.id}"]')`;

const pressIn = (mirror: MirrorAnswer, label: string) =>
  page.run(
    `[...${card(mirror)}.querySelectorAll("button")].find((each) => each.textContent === "${label}").click()`,
  );

async function typeInto(selector: string, text: string): Promise<void> {
  await page.run(`document.querySelector('${selector}').value = ${JSON.stringify(text)}`);
}

async function signIn(token: string): Promise<void> {
  await page.until(`!document.querySelector("#sign-in").hidden`);
  await typeInto("#token", token);
  await page.run(`document.querySelector("#token").focus()`);
  await page.press("Enter");
}

test("a person sees what each mirror needs, and mends it there", async () => {
  const host_keys = sshd.knownHosts().trimEnd().split("\n");
  const credential = Object(
    await api.post("/credentials", {
      ...{ name: HOSTILE, username: "bot", password: SECRET },
      expires_at: new Date(Date.now() + 2.5 * DAY_MS).toISOString(),
    }),
  );
  const ssh = { auth_method: "ssh_public_key", host_keys };
  const [unknown, refused, wrong, expiring] = await Promise.all([
    addMirror("unknown-key", { ...ssh, url: sshd.urlOf("unknown-key.git") }),
    addMirror("moved-host", { ...ssh, url: sshd.urlOf("moved-host.git") }),
    addMirror("wrong-password", { auth_user: "bot", auth_password: "not-it" }),
    addMirror("expiring", { credential_id: credential.id }),
  ]);
  // Only one of them ever had its key at the host; then the host gets other keys.
  await sshd.authorize("git", [refused.public_key ?? ""]);
  await api.waitForMirror("root/expiring", expiring.id, "finished");
  await waitFor(async () => (await reasonsOf())["root/unknown-key"]?.[0] === "ssh-key-refused", {
    message: async () => `the key is refused: ${JSON.stringify(await reasonsOf())}`,
  });
  const oldKeys = sshd.hostKeys().map(({ fingerprint }) => fingerprint);
  await sshd.stop();
  await sshd.start({ hostKeys: ["ed25519"] });
  const [newKey] = sshd.hostKeys();
  await api.post(`${projectPath("root/moved-host")}/mirrors/${refused.id}/sync`, { force: true });
  await waitFor(async () => (await reasonsOf())["root/moved-host"]?.[0] === "host-key-changed", {
    message: async () => `the host key is seen to have changed: ${JSON.stringify(await reasonsOf())}`,
  });
  await waitFor(async () => (await reasonsOf())["root/wrong-password"]?.[0] === "credential-refused", {
    message: "the password is refused",
  });

  await page.goTo(`${server.url}/-/mirrors`);
  await signIn("not-a-token");
  await page.until(
    `document.querySelector("#sign-in-status").textContent.includes("does not accept this token")`,
  );
  assert.deepEqual(
    page.complaints().filter((each) => !each.includes("401")),
    [],
  );
  await signIn(server.token);
  await page.until(`document.querySelector("#lists-status").textContent === "4 mirrors need you."`);
  assert.equal(await page.run(`document.querySelectorAll("#all li").length`), 4);
  assert.equal(await page.run(`document.querySelector("#token").value`), "");
  assert.equal(await page.run("localStorage.length + sessionStorage.length + document.cookie.length"), 0);
  const badges = (mirror: MirrorAnswer) =>
    page.run(`[...${card(mirror)}.querySelectorAll(".badge")].map((each) => each.textContent).join()`);
  assert.equal(await badges(expiring), "Credential expires in 3 days");
  assert.equal(await badges(unknown), "SSH key not accepted");
  // The colour never stands alone.
  const withoutIcon = "!(each.querySelector('svg')?.getBoundingClientRect().width > 8)";
  assert.deepEqual(
    await page.run(
      `[...document.querySelectorAll(".badge")].filter((each) => ${withoutIcon}).map((each) => each.textContent)`,
    ),
    [],
  );
  assert.match(String(await page.run(`${card(unknown)}.textContent`)), /refused the SSH key/);

  // On a telephone nothing sticks out.
  await page.setView({ width: 390, height: 844, scheme: "dark" });
  assert.equal(await page.run("document.documentElement.scrollWidth"), 390);
  await page.setView({ width: 1280, height: 900, scheme: "light" });

  // The public key, to be given to the host.
  await pressIn(unknown, "Copy SSH public key");
  await page.until(
    `[...${card(unknown)}.querySelectorAll("button")].some((each) => each.textContent === "Copied")`,
  );
  const copied = String(await page.run("navigator.clipboard.readText()"));
  assert.equal(copied, unknown.public_key);

  // Changed host keys: old and new ones, a way back, and one click.
  await pressIn(refused, "Review host keys");
  await page.until(`document.querySelector("#review").open`);
  const sides = await page.run(
    `[...document.querySelectorAll("#review .sides section")].map((side) => side.textContent)`,
  );
  assert(Array.isArray(sides));
  for (const fingerprint of oldKeys) assert.ok(String(sides[0]).includes(fingerprint), fingerprint);
  assert.ok(String(sides[1]).includes(newKey?.fingerprint ?? "-"));
  assert.equal(await page.run("document.activeElement.textContent"), "Cancel");
  await page.press("Escape");
  await page.until(`!document.querySelector("#review").open`);
  assert.deepEqual((await reasonsOf())["root/moved-host"], ["host-key-changed"]);
  await page.until(`!${card(refused)}.querySelector("button").disabled`);
  await pressIn(refused, "Review host keys");
  await page.until(`document.querySelector("#review").open`);
  await page.run(`document.querySelector("#review .primary").click()`);
  await page.until(`${card(refused)} === null`);

  // The host that has the key now has other host keys too: both are mended, one after the other.
  await sshd.authorize("git", [copied, refused.public_key ?? ""]);
  await pressIn(unknown, "Update now");
  await page.until(
    `[...(${card(unknown)}?.querySelectorAll("button") ?? [])].some((each) => each.textContent === "Review host keys" && !each.disabled)`,
  );
  await pressIn(unknown, "Review host keys");
  await page.until(`document.querySelector("#review").open`);
  await page.run(`document.querySelector("#review .primary").click()`);
  await page.until(`${card(unknown)} === null`);

  // A wrong password stays there with what went wrong; the right one mends it.
  for (const password of ["still-not-it", SECRET]) {
    await pressIn(wrong, "Enter password again");
    await typeInto(`[data-mirror="${wrong.id}"] input`, password);
    await pressIn(wrong, "Save");
    if (password === SECRET) await page.until(`${card(wrong)} === null`);
    else {
      // It is drawn anew once the update has ended.
      await page.until(`${card(wrong)}?.querySelector("form").hidden === true`);
      assert.match(String(await page.run(`${card(wrong)}.textContent`)), /Credential refused/);
    }
  }

  // A named credential, for all that use it.
  await pressIn(expiring, "Enter password again");
  assert.ok(String(await page.run(`${card(expiring)}.textContent`)).includes(HOSTILE));
  await typeInto(`[data-mirror="${expiring.id}"] input`, SECRET);
  await pressIn(expiring, "Save");
  await page.until(`document.querySelector("#lists-status").textContent === "No mirror needs you."`);
  assert.deepEqual(await reasonsOf(), {});
  const doctor = await runHeliostat(["doctor"], {
    ...{ HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: server.token },
    HELIOSTAT_SECRETS_FILE: join(server.dataDir, "secrets.json"),
  });
  assert.match(doctor.stdout, /ok {7}attention: no mirror waits for somebody/);
  assert.equal(await page.run("document.title"), "Mirrors that need you · Heliostat");
  assert.deepEqual(
    page.complaints().filter((each) => !each.includes("401")),
    [],
  );
});

test("the lists are for those whose mirrors they are", async () => {
  const stranger = api.as(
    await api.createToken(await api.createUser("ada", "correct horse battery"), ["read_api"]),
  );
  for (const path of ["/mirrors", "/mirrors/attention"]) {
    assert.deepEqual(await stranger.get(path), []);
    assert.equal((await fetch(`${server.url}/api/v4${path}`)).status, 401);
  }
  const [second] = mirrorOfAnyProjectSchema.array().parse(await api.get("/mirrors?per_page=1&page=2"));
  assert.equal(second?.project_path, "root/moved-host");
});

test("after a lost secrets file the mirrors that need theirs again are there", async () => {
  const secrets = join(server.dataDir, "secrets.json");
  await server.kill("SIGTERM");
  await rename(secrets, `${secrets}.away`);
  await server.restart();
  await page.run(`document.querySelector("#reload").click()`);
  await page.until(`document.querySelector("#lists-status").textContent === "4 mirrors need you."`);
  const words = await page.run(
    `[...document.querySelectorAll("#waiting .card")].map((each) =>
      [each.querySelector("h3"), each.querySelector(".badge"), each.querySelector("button")]
        .map((part) => part.textContent).join(": "))`,
  );
  const badge = "Needs its secret again";
  assert.deepEqual(words, [
    `root/expiring: ${badge}: Enter password again`,
    `root/moved-host: ${badge}: Make a new SSH key`,
    `root/unknown-key: ${badge}: Make a new SSH key`,
    `root/wrong-password: ${badge}: Enter password again`,
  ]);
  await page.goTo(`${server.url}/`);
  assert.equal(await page.run(`document.querySelector('a[href="/-/mirrors"]') !== null`), true);
});
