import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openBrowserSession } from "../support/browser-session.ts";
import { type MailServer, startMailServer } from "../support/mail-server.ts";
import { runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait-for.ts";

const MAIN = fileURLToPath(new URL("../../packages/server/src/cli/main.ts", import.meta.url));
const NEW = "quite another one";

let server: TestServer;
let smtp: MailServer;
let env: Record<string, string>;

before(async () => {
  smtp = await startMailServer();
  server = await startServer({
    database: "embedded",
    env: { HELIOSTAT_SMTP_URL: `smtp://127.0.0.1:${smtp.port}` },
  });
  env = { HELIOSTAT_DATA_DIR: server.dataDir, HELIOSTAT_SMTP_URL: `smtp://127.0.0.1:${smtp.port}` };
});
after(async () => {
  await server.stop();
  await smtp.close();
});

const reset = (input: string, user = "root") =>
  runHeliostat(["admin", "reset-password", user, "--password-stdin"], env, { input });

const signIn = async (password: string) =>
  (await openBrowserSession(server.url).signIn("root", password)).status;

describe("heliostat admin reset-password", () => {
  test("needs no token while the server runs; sessions end and the user gets a mail", async () => {
    const browser = openBrowserSession(server.url);
    await browser.signIn("root", server.password);
    const { exitCode, stdout, stderr } = await reset(`${NEW}\n`);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(stdout, /password of root is another one now/);
    assert.equal((await browser.ask("GET", "/api/v4/user")).status, 401);
    assert.equal(await signIn(server.password), 401);
    assert.equal(await signIn(NEW), 200);
    await waitFor(() => smtp.mails.length > 0, { timeoutMs: 60_000, message: "the mail comes" });
    assert.match(smtp.mails[0]?.subject ?? "", /Your password was changed/);
    assert.match(smtp.mails[0]?.text ?? "", /command line of the server/);
  });

  test("refuses a weak password and a user who is not there", async () => {
    const weak = await reset("password1");
    assert.deepEqual([weak.exitCode, weak.stdout], [2, ""]);
    assert.match(weak.stderr, /password must not contain commonly used/);
    const nobody = await reset(NEW, "nobody");
    assert.equal(nobody.exitCode, 1);
    assert.match(nobody.stderr, /There is no user nobody/);
    assert.equal(await signIn(NEW), 200);
  });

  test("says where to run it when there is no database, and asks nobody who is not there", async () => {
    const elsewhere = { HELIOSTAT_DATA_DIR: `${server.dataDir}/nothing-here` };
    const args = ["admin", "reset-password", "root", "--password-stdin"];
    const lost = await runHeliostat(args, elsewhere, { input: NEW });
    assert.equal(lost.exitCode, 2);
    assert.match(lost.stderr, /There is no database in .*HELIOSTAT_DATA_DIR/);
    const alone = await runHeliostat(args.slice(0, 3), env);
    assert.equal(alone.exitCode, 2);
    assert.match(alone.stderr, /--password-stdin/);
  });

  test("asks twice on a terminal, and shows nothing of what is typed", async () => {
    const typed = "typed by a person";
    const child = spawn(
      "script",
      ["-qefc", `'${process.execPath}' '${MAIN}' admin reset-password root`, "/dev/null"],
      {
        env: { ...env, PATH: process.env["PATH"], HOME: "/nonexistent" },
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    let screen = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
    });
    const shows = (text: string) =>
      waitFor(() => screen.includes(text), { timeoutMs: 60_000, message: () => `${text} on: ${screen}` });
    await shows("New password of root: ");
    // With a mistake, and what takes it back.
    child.stdin.write(`${typed}x\u007f\r`);
    await shows("The same again: ");
    child.stdin.write(`${typed}\r`);
    const [code] = await once(child, "close");
    assert.equal(code, 0, screen);
    assert.equal(screen.includes("typed"), false, screen);
    assert.equal(await signIn(typed), 200);
  });

  test("works while the server does not run", async () => {
    await server.kill("SIGTERM");
    const { exitCode, stderr } = await reset("set while it was down");
    assert.deepEqual([exitCode, stderr], [0, ""]);
    await server.restart();
    assert.equal(await signIn("set while it was down"), 200);
  });
});
