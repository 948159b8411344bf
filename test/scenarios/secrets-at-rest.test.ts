import assert from "node:assert/strict";
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  mirrorNeedingSecretSchema,
  type SecretsStateAnswer,
  secretsStateSchema,
} from "@heliostat/contract/api/secrets.ts";
import { type Api, createApi, type ProjectName, projectPath } from "../support/api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "../support/git-http-peer.ts";
import { makeCommit, makeRepository, makeTempDir, refsOf, setRef } from "../support/repositories.ts";
import { type HeliostatRun, runHeliostat } from "../support/run-heliostat.ts";
import { startServer, type TestServer } from "../support/server.ts";

const AUTH = { username: "bot", password: "planted-Pa55word" };

let server: TestServer;
let api: Api;
let root: string;
let locked: GitHttpPeer;
let open: GitHttpPeer;
let secretsFile: string;
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  root = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  locked = await startGitHttpPeer({ root, auth: AUTH });
  cleanups.push(() => locked.close());
  open = await startGitHttpPeer({ root });
  cleanups.push(() => open.close());
  server = await startServer();
  secretsFile = join(server.dataDir, "secrets.json");
  api = createApi(server);
  await api.put("/application/settings", { push_mirror_min_interval_seconds: 0 });
});
after(async () => {
  await server?.stop();
  for (const clean of cleanups.reverse()) await clean();
});

/** A project with a branch that was pushed to it, and a push mirror of it. */
async function makeMirrored(
  name: string,
  peer: GitHttpPeer,
): Promise<{ project: string; id: number; copy: string }> {
  const copy = await makeRepository(join(root, `${name}.git`));
  const { id: projectId } = await api.createProject(name);
  await commitTo(projectId);
  const url = new URL(peer.urlOf(`${name}.git`));
  if (peer === locked) Object.assign(url, AUTH);
  const { id } = await api.createPushMirror(`root/${name}`, url.href);
  return { project: `root/${name}`, id, copy };
}

async function commitTo(projectId: number): Promise<string> {
  const repository = server.repositoryOf(projectId);
  const commit = await makeCommit(repository);
  await setRef(repository, "refs/heads/main", commit);
  return commit;
}

async function readState(): Promise<SecretsStateAnswer> {
  return secretsStateSchema.parse(await api.get("/application/secrets"));
}

async function listNeeding(): Promise<readonly { id: number; project_path: string }[]> {
  return mirrorNeedingSecretSchema.array().parse(await api.get("/mirrors/needing_secret"));
}

function heliostat(args: readonly string[]): Promise<HeliostatRun> {
  return runHeliostat(args, {
    HELIOSTAT_URL: server.url,
    HELIOSTAT_TOKEN: server.token,
    HELIOSTAT_SECRETS_FILE: secretsFile,
  });
}

async function isInStep(project: ProjectName, copy: string): Promise<void> {
  const { id } = Object(await api.get(projectPath(project)));
  assert.deepEqual(await refsOf(copy), await refsOf(server.repositoryOf(id)));
}

describe("the keys that seal secrets", () => {
  test("are changed for all secrets at once, while the server runs", async () => {
    const { project, id, copy } = await makeMirrored("rotated", locked);
    await api.update(project, id);
    const [before] = (await readState()).keys;
    assert.deepEqual(before, { id: before?.id, current: true, known: true, secrets: 1 });

    const run = await heliostat(["admin", "rotate-secrets"]);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(run.stdout, /Sealed with it: 1 secret\./);
    assert.equal((await stat(secretsFile)).mode & 0o777, 0o600);
    const { keys } = await readState();
    assert.deepEqual(
      keys.map(({ current, known, secrets }) => ({ current, known, secrets })),
      [
        { current: false, known: true, secrets: 0 },
        { current: true, known: true, secrets: 1 },
      ],
    );
    await commitTo(Object(await api.get(projectPath(project))).id);
    assert.equal((await api.update(project, id)).status, "finished");
    await isInStep(project, copy);

    const again = await heliostat(["admin", "rotate-secrets", "--remove-old-keys", "--json"]);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal((await readState()).keys.length, 1);
    await server.restart();
    assert.equal((await api.update(project, id)).status, "finished");
  });

  test("are none of a plain user's business", async () => {
    const user = await api.createUser("ada", "correct horse battery");
    const theirs = api.as(await api.createToken(user, ["api"]));
    assert.equal((await theirs.call("GET", "/application/secrets")).status, 403);
    assert.equal((await theirs.call("POST", "/application/secrets/rotate", {})).status, 403);
    assert.deepEqual(await theirs.get("/mirrors/needing_secret"), []);
  });
});

describe("a server that has lost its secrets file", () => {
  let withSecret: { project: string; id: number; copy: string };
  let withNone: { project: string; id: number; copy: string };

  before(async () => {
    withSecret = await makeMirrored("with-secret", locked);
    withNone = await makeMirrored("with-none", open);
    await api.update(withSecret.project, withSecret.id);
    await server.kill("SIGTERM");
    await rename(secretsFile, `${secretsFile}.away`);
    await server.restart();
  });

  test("starts, names the mirrors that need theirs again, and makes no new file", async () => {
    assert.deepEqual(
      (await listNeeding()).map(({ project_path }) => project_path),
      ["root/rotated", "root/with-secret"],
    );
    assert.match(server.output(), /the secrets file is lost/);
    await assert.rejects(stat(secretsFile), { code: "ENOENT" });
    const run = await heliostat(["doctor"]);
    assert.equal(run.exitCode, 1);
    assert.match(run.stdout, /PROBLEM {2}secrets file: .* is not there/);
    assert.match(run.stdout, /PROBLEM {2}mirrors: 2 need their secret again/);
    assert.match(run.stdout, new RegExp(`root/with-secret: push mirror ${withSecret.id}, .*: password`));
    assert.match(run.stdout, /ok {7}server/);
    const rotation = await heliostat(["admin", "rotate-secrets"]);
    assert.notEqual(rotation.exitCode, 0);
    assert.match(rotation.stderr, /secrets file .* is lost.* Put the file back/s);
    await assert.rejects(stat(secretsFile), { code: "ENOENT" });
    assert.equal(`${run.stdout}${run.stderr}`.includes(AUTH.password), false);
  });

  test("updates the mirrors that have no secret, and says of the others what to do", async () => {
    assert.equal((await api.update(withNone.project, withNone.id)).status, "finished");
    const { status, error } = await api.update(withSecret.project, withSecret.id);
    assert.equal(status, "failed");
    assert.match(error ?? "", /is not in the secrets file. Put the file back, or enter the secret again/);
  });

  test("goes on by itself when the file is back", async () => {
    await rename(`${secretsFile}.away`, secretsFile);
    assert.deepEqual(await listNeeding(), []);
    await server.restart();
    await api.waitForMirror(withSecret.project, withSecret.id, "finished");
    const run = await heliostat(["doctor"]);
    assert.equal(run.exitCode, 0, run.stdout);
  });

  test("takes new secrets for the lost ones, and leaves the rest as it is", async () => {
    await server.kill("SIGTERM");
    await rename(secretsFile, `${secretsFile}.gone`);
    await server.restart();
    const lost = (await readState()).keys[0];
    assert.deepEqual([lost?.known, lost?.secrets], [false, 2]);
    const path = `${projectPath(withSecret.project)}/mirrors/${withSecret.id}`;
    await api.put(path, { auth_user: AUTH.username, auth_password: AUTH.password });
    assert.equal((await stat(secretsFile)).mode & 0o777, 0o600);
    assert.equal((await api.update(withSecret.project, withSecret.id)).status, "finished");
    assert.deepEqual(
      (await listNeeding()).map(({ project_path }) => project_path),
      ["root/rotated"],
    );

    // What cannot be opened is not sealed anew, and not lost: the old file may come back.
    const run = await heliostat(["admin", "rotate-secrets", "--remove-old-keys"]);
    assert.equal(run.exitCode, 1);
    assert.match(run.stdout, new RegExp(`Left as they are: 1 secret sealed with the lost key ${lost?.id}`));
    const after = (await readState()).keys.find(({ id }) => id === lost?.id);
    assert.deepEqual([after?.known, after?.secrets], [false, 1]);
  });
});
