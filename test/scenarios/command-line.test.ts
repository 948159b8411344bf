import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { resourceTokenSchema } from "@heliostat/contract/api/access-tokens.ts";
import { applicationSettingsSchema } from "@heliostat/contract/api/application-settings.ts";
import { groupSchema } from "@heliostat/contract/api/groups.ts";
import { hookEventSchema } from "@heliostat/contract/api/hooks.ts";
import { projectSchema } from "@heliostat/contract/api/projects.ts";
import { protectedBranchSchema } from "@heliostat/contract/api/protected-branches.ts";
import { type Api, createApi, projectPath } from "../support/api.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { type HeliostatRun, type HeliostatRunOptions, runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { waitFor } from "../support/wait-for.ts";

const MAIN = fileURLToPath(new URL("../../packages/server/src/cli/main.ts", import.meta.url));
const PASSWORD = "tea and engines";

let server: TestServer;
let api: Api;
let root: string;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  root = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  server = await startServer();
  api = createApi(server);
});

after(async () => {
  await server?.stop();
  for (const clean of cleanups.reverse()) await clean();
});

/** Runs `heliostat …` against the server, with root's token unless told. */
function run(
  args: readonly string[],
  options: HeliostatRunOptions & { token?: string } = {},
): Promise<HeliostatRun> {
  const env = { HELIOSTAT_URL: server.url, HELIOSTAT_TOKEN: options.token ?? server.token };
  return runHeliostat(args, { ...env, XDG_CONFIG_HOME: root, TZ: "UTC" }, options);
}

/** What it printed; fails unless all went well, and nothing was said beside it. */
async function ok(args: readonly string[], input = ""): Promise<string> {
  const { exitCode, stdout, stderr } = await run(args, { input });
  assert.deepEqual([exitCode, stderr], [0, ""], `${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** What it said on standard error; fails unless it exits so and printed nothing else. */
async function refused(code: number, args: readonly string[], token?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(args, token === undefined ? {} : { token });
  assert.deepEqual([exitCode, stdout], [code, ""], `${args.join(" ")}: ${stderr}`);
  return stderr;
}

async function json(args: readonly string[]): Promise<unknown> {
  return JSON.parse(await ok([...args, "--json"]));
}

/** The same on a terminal that is so wide; without colours unless told. */
async function onTerminal(columns: number, args: readonly string[], colours = false): Promise<string> {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qefc", `stty cols ${columns}; ${command}`, "/dev/null"], {
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      XDG_CONFIG_HOME: root,
      TERM: "xterm",
      HELIOSTAT_URL: server.url,
      HELIOSTAT_TOKEN: server.token,
      ...(colours ? {} : { NO_COLOR: "1" }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  await once(child, "close");
  return screen.replaceAll("\r", "");
}

describe("projects and groups", () => {
  test("are made, listed, shown, changed, moved and removed", async () => {
    assert.match(
      await ok(["group", "create", "team", "--visibility", "internal"]),
      /^Group \d+ made: team$/m,
    );
    const tools = groupSchema.parse(
      await json(["group", "create", "team/tools", "--name", "Tools", "--visibility", "internal"]),
    );
    assert.deepEqual([tools.full_path, tools.name], ["team/tools", "Tools"]);

    const made = await ok(["project", "create", "team/tools/hello", "--description", "Says hello"]);
    assert.match(made, /^Project \d+ made: team\/tools\/hello$/m);
    assert.match(made, new RegExp(`^Clone it: git clone ${server.url}/team/tools/hello.git$`, "m"));
    const [heading, line] = (await ok(["project", "list", "--group", "team"])).split("\n");
    assert.match(heading ?? "", /^ID +PROJECT +VISIBILITY +STATE +LAST ACTIVITY +DESCRIPTION$/);
    assert.match(line ?? "", /^\d+ +team\/tools\/hello +private +empty +20[\d: -]+ +Says hello$/);

    const changes = ["--visibility", "internal", "--name", "Hello", "--max-file-size", "1000"];
    assert.match(await ok(["project", "edit", "team/tools/hello", ...changes]), /^Visibility +internal$/m);
    const shown = projectSchema.parse(await json(["project", "show", "team/tools/hello"]));
    assert.deepEqual([shown.visibility, shown.name, shown.max_file_size], ["internal", "Hello", 1000]);
    assert.match(await refused(2, ["project", "edit", "team/tools/hello"]), /Nothing is to be changed/);

    assert.match(await ok(["project", "archive", "team/tools/hello"]), /^Project archived: team/);
    assert.match(await ok(["project", "list", "--archived"]), / archived /);
    await ok(["project", "unarchive", String(shown.id)]);
    const moved = await ok(["project", "transfer", "team/tools/hello", "root", "--yes"]);
    assert.match(moved, /^Project \d+ moved: root\/hello$/m);

    assert.match(await refused(2, ["project", "delete", "root/hello"]), /Nobody is here to ask: add --yes/);
    assert.equal((await api.call("GET", projectPath("root/hello"))).status, 200);
    assert.match(await ok(["project", "delete", "root/hello", "--yes"]), /removed: root\/hello/);
    assert.equal((await api.call("GET", projectPath("root/hello"))).status, 404);

    assert.match(await refused(1, ["group", "delete", "team", "-y"]), /There are projects or subgroups/);
    await ok(["group", "edit", "team/tools", "--description", "For all"]);
    assert.match(await ok(["group", "list"]), /team\/tools +Tools +internal +For all/);
    await ok(["group", "delete", "team/tools", "-y"]);
    await ok(["group", "delete", "team", "-y"]);
    assert.equal(await ok(["group", "list"]), "There are no groups.\n");
  });

  test("a list has all pages, or as many as are asked for", async () => {
    await api.post("/groups", { name: "many", path: "many" });
    const { id } = groupSchema.parse(await api.get("/groups/many"));
    for (let number = 0; number < 105; number += 1) {
      await api.createProject(`p${number}`, { namespace_id: id });
    }
    const all = projectSchema.array().parse(await json(["project", "list", "--group", "many"]));
    assert.equal(new Set(all.map((each) => each.id)).size, 105);
    const some = projectSchema
      .array()
      .parse(await json(["project", "list", "--group", "many", "--limit", "103"]));
    assert.deepEqual(
      some.map((each) => each.id),
      all.slice(0, 103).map((each) => each.id),
    );
  });

  test("have protected branches and tags", async () => {
    await api.createProject("guarded");
    const branches = ["project", "protected-branches"];
    assert.match(
      await ok([...branches, "add", "root/guarded", "release/*", "--push", "no-one"]),
      /^release\/\* +No one +no$/m,
    );
    const edited = await json([
      ...branches,
      "edit",
      "root/guarded",
      "release/*",
      "--allow-force-push",
      "--push",
      "developers",
    ]);
    const { allow_force_push, push_access_levels } = protectedBranchSchema.parse(edited);
    assert.deepEqual([allow_force_push, push_access_levels.map((each) => each.access_level)], [true, [30]]);
    assert.match(
      await refused(1, [...branches, "remove", "root/guarded", "other"]),
      /No rule is named other/,
    );
    await ok([...branches, "remove", "root/guarded", "release/*"]);
    assert.equal(await ok([...branches, "list", "root/guarded"]), "No branch is protected.\n");
    const tags = ["project", "protected-tags"];
    assert.match(await ok([...tags, "add", "root/guarded", "v*"]), /^v\* +Maintainers$/m);
    assert.match(
      await refused(2, [...tags, "add", "root/guarded", "w*", "--create", "maintainer"]),
      /Did you mean maintainers\?/,
    );
    await ok([...tags, "remove", "root/guarded", "v*"]);
  });
});

describe("people, keys and tokens", () => {
  test("users are made, changed, blocked and removed; members come and go", async () => {
    const create = [
      "user",
      "create",
      "ada",
      "--email",
      "ada@example.com",
      "--name",
      "Ada",
      "--password-stdin",
    ];
    assert.match(await ok(create, `${PASSWORD}\n`), /^User \d+ made: ada$/m);
    assert.match(await ok(["user", "edit", "ada", "--admin"]), /^Admin +yes$/m);
    assert.match(await ok(["user", "edit", "ada", "--no-admin"]), /^Admin +no$/m);
    assert.equal(await ok(["user", "block", "ada"]), "ada is blocked.\n");
    assert.match(await ok(["user", "list", "--blocked"]), /^\d+ +ada +Ada +blocked$/m);
    assert.equal(await ok(["user", "unblock", "ada"]), "ada is unblocked.\n");

    await api.createProject("shared");
    const members = ["project", "members"];
    assert.match(
      await refused(2, [...members, "add", "root/shared", "ada", "--role", "develper"]),
      /Did you mean developer\?/,
    );
    const added = await ok([
      ...members,
      "add",
      "root/shared",
      "ada",
      "--role",
      "developer",
      "--expires",
      "2030-01-31",
    ]);
    assert.equal(added, "ada is developer of root/shared now, until 2030-01-31.\n");
    const edited = await ok([...members, "edit", "root/shared", "ada", "--role", "maintainer"]);
    assert.equal(edited, "ada is maintainer of root/shared now, until 2030-01-31.\n");
    assert.match(
      await ok([...members, "edit", "root/shared", "ada", "--expires", "never"]),
      /maintainer of root\/shared now\.$/m,
    );
    assert.match(await ok([...members, "list", "root/shared"]), /^\d+ +ada +Ada +maintainer +-$/m);
    await ok([...members, "remove", "root/shared", "ada", "-y"]);
    assert.match(
      await refused(1, [...members, "remove", "root/shared", "ada", "-y"]),
      /ada is no direct member/,
    );
    assert.match(
      await refused(1, [...members, "add", "root/shared", "adda", "--role", "guest"]),
      /Did you mean ada\?/,
    );

    const token = await api.createToken(Object(await json(["user", "show", "ada"])).id, ["api"]);
    assert.match(
      await refused(1, ["settings", "set", "max_refs=5"], token),
      /You are not allowed to do this/,
    );
    assert.match(await refused(1, ["project", "show", "root/shared"], token), /Project Not Found/);
    await ok(["user", "delete", "ada", "-y"]);
  });

  test("SSH keys and deploy keys are read from files", async () => {
    const { path } = await makeKey(root, "laptop", "-t", "ed25519");
    assert.match(
      await ok(["ssh-key", "add", `${path}.pub`, "--title", "laptop"]),
      /^SSH key \d+ added: laptop \(SHA256:/,
    );
    assert.match(await ok(["ssh-key", "list"]), /^\d+ +laptop +SHA256:\S{43} /m);
    assert.match(await refused(1, ["ssh-key", "remove", "lapotp", "-y"]), /Did you mean laptop\?/);
    await ok(["ssh-key", "remove", "laptop", "-y"]);
    assert.equal(await ok(["ssh-key", "list"]), "There are no SSH keys.\n");

    await api.createProject("deployed");
    const deploy = await makeKey(root, "deploy", "-t", "ed25519");
    const keys = ["add", "root/deployed", `${deploy.path}.pub`, "--title", "build server", "--can-push"];
    await ok(["deploy-key", ...keys]);
    assert.match(
      await ok(["deploy-key", "list", "root/deployed"]),
      /^\d+ +build server +SHA256:\S{43} +yes /m,
    );
    await ok(["deploy-key", "edit", "root/deployed", "build server", "--no-can-push"]);
    assert.match(await ok(["deploy-key", "list", "root/deployed"]), / no +- +-$/m);
    await ok(["deploy-key", "remove", "root/deployed", "build server", "-y"]);
    assert.match(
      await refused(2, ["deploy-key", "add", "root/deployed", "/nonexistent"]),
      /FILE \/nonexistent cannot be read/,
    );
  });

  test("the secret of a token is all there is on standard output, and is shown once", async () => {
    await api.createProject("automated");
    const of = ["--project", "root/automated"];
    const made = await run(["token", "create", "ci", ...of, "--role", "developer", "--scopes", "read_api"]);
    assert.match(made.stdout, /^hlprj-\S+\n$/);
    assert.match(made.stderr, /^Token \d+ made: ci, it does not expire\. Its secret is shown this once:$/m);
    const [listed] = resourceTokenSchema.array().parse(await json(["token", "list", ...of]));
    assert.deepEqual([listed?.access_level, listed?.scopes], [30, ["read_api"]]);
    const rotated = await run(["token", "rotate", "ci", ...of]);
    assert.match(rotated.stdout, /^hlprj-\S+\n$/);
    assert.equal((await api.as(made.stdout.trim()).call("GET", "/projects")).status, 401);
    assert.equal((await api.as(rotated.stdout.trim()).call("GET", "/projects")).status, 200);
    await ok(["token", "revoke", "ci", ...of, "-y"]);
    assert.equal(await ok(["token", "list", ...of]), "There are no tokens.\n");
    assert.match(await ok(["token", "list", ...of, "--all"]), / revoked /);

    const own = await run(["token", "create", "twice", "--scopes", "read_api,read_repository"]);
    await run(["token", "create", "twice", "--scopes", "api"]);
    assert.match(
      await refused(2, ["token", "revoke", "twice", "-y"]),
      /Several are called twice, take an id: \d+, \d+/,
    );
    const token = own.stdout.trim();
    assert.equal((await run(["token", "revoke", "self", "-y"], { token })).exitCode, 0);
    assert.equal((await api.as(token).call("GET", "/user")).status, 401);
    assert.match(await refused(2, ["token", "list", ...of, "--user", "root"]), /exclude each other/);
    assert.match(
      await refused(2, ["token", "create", "x", ...of, "--scopes", "admin_mode"]),
      /--scopes is one of/,
    );
  });
});

test("a webhook is made, tested and looked after; its secret is not shown", async (t) => {
  const seen: string[] = [];
  const receiver = createServer((request, response) => {
    seen.push(`${request.headers["x-gitlab-event"]} ${request.headers["x-gitlab-token"]}`);
    request.resume().on("end", () => response.end("thanks"));
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  t.after(() => receiver.close());
  const address = receiver.address();
  assert.ok(typeof address === "object" && address !== null);
  const url = `http://127.0.0.1:${address.port}/hook`;
  const project = await api.createProject("hooked");
  const secret = "a secret between two programs";
  const add = ["hook", "add", "root/hooked", url, "--name", "ci", "--events", "push,mirror_update"];
  const added = await ok([...add, "--token-stdin"], secret);
  assert.match(added, /^Events +push,mirror_update$/m);
  assert.match(added, /^Secrets +token$/m);
  assert.ok(!added.includes(secret));
  assert.match(
    await ok(["hook", "list", "root/hooked"]),
    new RegExp(`^\\d+ +ci +${url} +push,mirror_update +good$`, "m"),
  );
  const edited = await ok(["hook", "edit", "root/hooked", "ci", "--events", "push,tag_push", "--no-verify"]);
  assert.match(edited, /^Events +push,tag_push$/m);
  assert.match(edited, /^Certificate +not checked$/m);
  const upstream = join(root, "hooked.git");
  await makeRepository(upstream);
  await makeCommit(upstream);
  const { host } = new URL(project.http_url_to_repo);
  await git(upstream, ["push", `http://root:${server.token}@${host}/root/hooked.git`, "main"]);
  await ok(["hook", "test", "root/hooked", "ci"]);
  await waitFor(() => seen.length >= 2, { timeoutMs: 60_000, message: "the push and the test have come" });
  assert.deepEqual(new Set(seen), new Set([`Push Hook ${secret}`]));
  const [event] = hookEventSchema
    .array()
    .parse(await json(["hook", "events", "root/hooked", "ci", "--limit", "1"]));
  assert.ok(event);
  assert.match(await ok(["hook", "events", "root/hooked", "ci", String(event.id)]), /^Status +200$/m);
  await ok(["hook", "resend", "root/hooked", "ci", String(event.id)]);
  await waitFor(() => seen.length >= 3, { timeoutMs: 60_000, message: "it has come once more" });
  assert.match(await refused(1, ["hook", "resend", "root/hooked", "ci", "99999"]), /There is no event 99999/);
  assert.match(
    await refused(2, ["hook", "test", "root/hooked", "ci", "--event", "pus"]),
    /Did you mean push\?/,
  );
  assert.match(await refused(1, ["hook", "show", "root/hooked", "cy"]), /Did you mean ci\?/);
  await ok(["hook", "remove", "root/hooked", "ci", "-y"]);
  assert.equal(await ok(["hook", "list", "root/hooked"]), "There are no webhooks.\n");
});

test("settings are shown and set by name; a name that is not there is not passed over", async () => {
  const { max_refs, mirror_max_capacity } = applicationSettingsSchema.parse(await json(["settings", "show"]));
  assert.equal(
    await ok(["settings", "set", "mirror_max_capacity=51", "max_refs=7"]),
    "mirror_max_capacity  51\nmax_refs             7\n",
  );
  assert.equal(await ok(["settings", "show", "max_refs"]), "max_refs  7\n");
  const list = "outbound_local_requests_whitelist";
  assert.match(await ok(["settings", "set", `${list}=10.0.0.7,git.internal`]), /10\.0\.0\.7, git\.internal/);
  assert.match(await ok(["settings", "set", `${list}=`]), / -$/m);
  assert.match(
    await refused(2, ["settings", "set", "mirror_max_capacty=5"]),
    /Did you mean mirror_max_capacity\?/,
  );
  assert.match(await refused(2, ["settings", "set", "max_refs"]), /is not NAME=VALUE/);
  assert.match(await refused(2, ["settings", "set", "max_refs=many"]), /max_refs is invalid/);
  await ok(["settings", "set", `max_refs=${max_refs}`, `mirror_max_capacity=${mirror_max_capacity}`]);
});

describe("what goes wrong is said in plain words, with what to do", () => {
  test("a name that is nearly right", async () => {
    await api.createProject("spelled");
    assert.match(
      await refused(1, ["project", "show", "root/speled"]),
      /^heliostat: Project Not Found: there is no root\/speled that you may see\. Did you mean root\/spelled\?$/m,
    );
    assert.match(await refused(1, ["project", "show", "spelled"]), /Did you mean root\/spelled\?/);
    assert.match(await refused(1, ["project", "show", "x/y"]), /heliostat project list shows what there is/);
    assert.match(await refused(1, ["project", "create", "nowhere/x"]), /no user or group nowhere/);
    assert.match(
      await refused(2, ["projekt", "list"]),
      /unknown command 'projekt'\n\(Did you mean project\?\)/,
    );
    assert.match(await refused(2, ["project", "lst"]), /Did you mean list\?/);
    assert.match(await refused(2, ["project", "list", "--serch", "x"]), /Did you mean --search\?/);
  });

  test("a token that is wrong, and a server that is none or not there", async () => {
    assert.match(
      await refused(1, ["project", "list"], "wrong"),
      /does not accept the token from HELIOSTAT_TOKEN/,
    );
    const nowhere = await run(["project", "list", "--url", "http://127.0.0.1:1"]);
    assert.deepEqual([nowhere.exitCode, nowhere.stdout], [1, ""]);
    assert.match(
      nowhere.stderr,
      /Cannot reach the server at http:\/\/127\.0\.0\.1:1 \(.*\)\. Start it with "npm start"/,
    );
    assert.match(
      await refused(2, ["project", "list", "--url", "http://x/y"]),
      /--url is not the address of a server/,
    );
  });
});

describe("output", () => {
  test("on a terminal rows are cut to its width, elsewhere they are whole and plain", async () => {
    const description =
      "Says hello to everybody who comes by, in all languages that are spoken anywhere on earth";
    await api.createProject("wordy", { description: `${description}, 世界` });
    const args = ["project", "list", "--search", "wordy"];
    assert.match(await ok(args), new RegExp(`${description}, 世界$`, "m"));
    for (const columns of [80, 140]) {
      const screen = await onTerminal(columns, args);
      const lines = screen.trimEnd().split("\n");
      assert.equal(lines.length, 2, screen);
      for (const line of lines) assert.ok([...line].length <= columns, `${columns}: ${line}`);
    }
    assert.match(await onTerminal(80, args), /Says hello .*…$/m);
    assert.ok((await onTerminal(80, args, true)).includes("\u001b[1mID"));
    assert.ok(!(await onTerminal(80, args)).includes("\u001b"));
  });

  test("a reader that has enough is no failure", async () => {
    const command = `'${process.execPath}' '${MAIN}' project list --group many | head -1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn("bash", ["-c", command], {
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        HELIOSTAT_URL: server.url,
        HELIOSTAT_TOKEN: server.token,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
    }
    await once(child, "close");
    assert.match(out, /^ID +PROJECT.*\n0\n$/);
  });

  test("a terminal does not act upon what others have written", async () => {
    await api.createProject("nasty", { description: "\u001b[2Jgone\u202e" });
    const listed = await ok(["project", "list", "--search", "nasty"]);
    assert.match(listed, / \[2Jgone/);
    for (const sign of ["\u001b", "\u202e"]) assert.ok(!listed.includes(sign));
  });
});

describe("completion", () => {
  async function script(shell: string): Promise<string> {
    const path = join(root, `completion.${shell}`);
    await writeFile(path, await ok(["completion", shell]));
    return path;
  }

  /** Runs a program to its end; null where it is not installed. */
  async function runShell(shell: string, args: readonly string[]): Promise<string | null> {
    const child = spawn(shell, [...args], {
      env: {
        PATH: process.env["PATH"],
        HOME: root,
        HELIOSTAT_URL: server.url,
        HELIOSTAT_TOKEN: server.token,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
    }
    return await new Promise((resolve) => {
      child.on("error", () => resolve(null));
      child.on("close", (code) => resolve(`${out}${code}`));
    });
  }

  test("every shell that is there can read its script", async (t) => {
    assert.equal(await runShell("bash", ["-n", await script("bash")]), "0");
    for (const [shell, option] of [
      ["zsh", "-n"],
      ["fish", "--no-execute"],
    ] as const) {
      const said = await runShell(shell, [option, await script(shell)]);
      if (said === null) t.diagnostic(`${shell} is not installed`);
      else assert.equal(said, "0");
    }
    assert.match(await refused(2, ["completion", "tcsh"]), /SHELL is one of bash, zsh, fish/);
  });

  test("bash completes commands, options and names", async () => {
    await api.createProject("completed");
    const path = await script("bash");
    const words: readonly (readonly [string, string])[] = [
      ["proj", "project"],
      ["project mem", "members"],
      ["project members add --ro", "--role"],
      ["project show root/complete", "root/completed"],
      ["token list --project root/complete", "root/completed"],
      ["project members add --role developer root/completed roo", "root"],
      ["completion z", "zsh"],
      ["project show root/completed ", ""],
    ];
    const asks = words.map(([typed]) => {
      const parts = ["heliostat", ...typed.split(" ")].map((word) => `'${word}'`).join(" ");
      return `COMP_WORDS=(${parts}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _heliostat; echo "\${COMPREPLY[*]}"`;
    });
    const heliostat = `heliostat() { '${process.execPath}' '${MAIN}' "$@"; }`;
    const said = await runShell("bash", ["-c", [`source '${path}'`, heliostat, ...asks].join("\n")]);
    assert.deepEqual(
      said?.split("\n").slice(0, -1),
      words.map(([, expected]) => expected),
    );
  });
});

test("every command says how it is used, with an example, in lines that fit", async () => {
  /** All there are, out of the completion script: the one list that cannot be forgotten. */
  const table = await ok(["completion", "bash"]);
  const paths = [...table.matchAll(/^ {4}"([\w -]+)"\)\n +_heliostat_commands=\((.*)\)$/gm)];
  assert.ok(paths.length > 80, `${paths.length} commands`);
  const leaves = paths.filter(([, , commands]) => commands === "").map(([, path = ""]) => path);
  const groups = paths.filter(([, , commands]) => commands !== "").map(([, path = ""]) => path);
  for (const path of groups) {
    const help = await ok([...path.split(" "), "--help"]);
    for (const line of help.split("\n")) assert.ok(line.length <= 80, `${path}: ${line}`);
    assert.match(help, new RegExp(`^Usage: heliostat ${path} `));
  }
  for (const path of leaves) {
    const help = await ok([...path.split(" "), "--help"]);
    assert.match(help, new RegExp(`\n\nExamples?:\n(?:  .*\n)*?  .*heliostat ${path}\\b`), path);
    for (const line of help.split("\n")) assert.ok(line.length <= 80, `${path}: ${line}`);
  }
  assert.equal(await ok(["help", "project", "create"]), await ok(["project", "create", "--help"]));
  const bare = await run(["project"]);
  assert.deepEqual([bare.exitCode, bare.stdout], [2, ""]);
  assert.match(bare.stderr, /^Usage: heliostat project /);
});
