import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before, describe } from "node:test";
import {
  deployKeyOfInstanceSchema,
  ownedSshKeySchema,
  projectDeployKeySchema,
  sshKeySchema,
} from "@heliostat/contract/api/ssh-keys.ts";
import { type Api, createApi } from "../support/api.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";

describe("SSH keys by API", () => {
  let server: TestServer;
  let root: Api;
  let ada: Api;
  let eve: Api;
  let adaId: number;
  let dir: string;
  let lastKey = 0;

  /** A new public key, with this comment. */
  async function newKey(comment: string): Promise<string> {
    lastKey += 1;
    const { algorithm, key } = await makeKey(dir, `key-${lastKey}`, "-t", "ed25519");
    return `${algorithm} ${key} ${comment}`;
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "heliostat-test-"));
    server = await startServer();
    root = createApi(server);
    adaId = await root.createUser("ada", "secret-of-ada");
    ada = root.as(await root.createToken(adaId, ["api"]));
    eve = root.as(await root.createToken(await root.createUser("eve", "secret-of-eve"), ["api"]));
  });
  after(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test("users handle their own, everybody sees them, admins those of others", async () => {
    const key = await newKey("ada@work");
    const made = sshKeySchema.parse(await ada.post("/user/keys", { title: "work", key: `  ${key}\n` }));
    assert.equal(made.key, key);
    assert.equal(made.last_used_at, null);
    assert.deepEqual(await ada.get(`/user/keys/${made.id}`), made);
    assert.deepEqual(await ada.get("/user/keys"), [made]);
    assert.deepEqual(await eve.get("/users/ada/keys"), [made]);
    assert.deepEqual(await eve.get(`/users/${adaId}/keys/${made.id}`), made);
    assert.deepEqual(await eve.get("/user/keys"), []);
    assert.deepEqual(await eve.get("/user/keys?id=ada"), [], "one's own, whatever comes with it");

    const draft = { title: "x", key: await newKey("") };
    assert.equal((await eve.call("POST", `/users/${adaId}/keys`, draft)).status, 403);
    assert.equal((await eve.call("DELETE", `/users/${adaId}/keys/${made.id}`)).status, 403);
    assert.equal((await eve.call("DELETE", `/user/keys/${made.id}`)).status, 404);
    assert.equal((await eve.call("GET", `/keys/${made.id}`)).status, 403);
    assert.equal((await eve.as(null).call("GET", "/users/ada/keys")).status, 401);

    const { id } = sshKeySchema.parse(await root.post(`/users/${adaId}/keys`, draft));
    for (const path of [
      `/keys/${made.id}`,
      `/keys?fingerprint=${encodeURIComponent(made.fingerprint_sha256)}`,
      `/keys?fingerprint=MD5:${made.fingerprint}`,
    ]) {
      const owned = ownedSshKeySchema.parse(await root.get(path));
      assert.deepEqual([owned.id, owned.user?.username], [made.id, "ada"], path);
    }
    // With the key of an admin one acts as an admin: no token without admin_mode makes a way to that.
    const rootId = Number(Object(await root.get("/user")).id);
    const lesser = root.as(await root.createToken(rootId, ["api"]));
    const refused = await lesser.call("POST", "/user/keys", { title: "x", key: await newKey("") });
    assert.equal(refused.status, 403);
    assert.match(JSON.stringify(refused.body), /admin_mode/);
    await root.delete(`/users/ada/keys/${id}`);
    await ada.delete(`/user/keys/${made.id}`);
    assert.deepEqual(await eve.get("/users/ada/keys"), []);
  });

  test("a key is there once, and what cannot be used is refused with the reason", async () => {
    const key = await newKey("one");
    await ada.post("/user/keys", { title: "one", key });
    const taken = { message: { fingerprint_sha256: ["has already been taken"] } };
    const again = { title: "two", key: key.replace("one", "two") };
    for (const call of [
      eve.call("POST", "/user/keys", again),
      eve.createProject("mine").then(() => eve.call("POST", "/projects/eve%2Fmine/deploy_keys", again)),
    ]) {
      const { status, body } = await call;
      assert.deepEqual([status, body], [400, taken]);
    }
    const weak = await makeKey(dir, "weak", "-t", "rsa", "-b", "1024");
    const refused: readonly (readonly [object, RegExp])[] = [
      [{ title: "x", key: `${weak.algorithm} ${weak.key}` }, /"key":\["is an RSA key of fewer/],
      [{ title: "x", key: "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRETSECRET" }, /"key":\["is a private key/],
      [{ title: " ", key: await newKey("") }, /title is empty/],
      [{ title: "x", key: await newKey(""), expires_at: "2020-01-01" }, /"expires_at":\["must be in the fut/],
      [{ title: "x".repeat(256), key: await newKey("") }, /"title":\["is too long/],
    ];
    for (const [draft, complaint] of refused) {
      const { status, body } = await ada.call("POST", "/user/keys", { ...draft });
      assert.equal(status, 400);
      assert.match(JSON.stringify(body), complaint);
    }
    assert.ok(!server.output().includes("SECRETSECRET"));
  });

  test("deploy keys open projects, each to push or not, for those who administer them", async () => {
    for (const name of ["one", "two"]) await ada.createProject(name);
    const keysOf = (name: string) => `/projects/ada%2F${name}/deploy_keys`;
    const key = await newKey("ci");
    const made = projectDeployKeySchema.parse(
      await ada.post(keysOf("one"), { title: "ci", key, can_push: true, expires_at: "2099-01-01T00:00:00Z" }),
    );
    assert.deepEqual([made.key, made.can_push, made.expires_at], [key, true, "2099-01-01T00:00:00.000Z"]);
    assert.equal((await ada.call("POST", keysOf("one"), { title: "ci", key })).status, 400);
    assert.equal((await eve.call("GET", keysOf("one"))).status, 404);
    await eve.createProject("hers");
    const foreign = `/projects/eve%2Fhers/deploy_keys`;
    assert.equal((await eve.call("POST", `${foreign}/${made.id}/enable`)).status, 404);
    assert.equal((await eve.call("POST", foreign, { title: "ci", key })).status, 400);

    const { can_push: pushes } = projectDeployKeySchema.parse(
      await ada.post(`${keysOf("two")}/${made.id}/enable`),
    );
    assert.equal(pushes, false);
    const renamed = projectDeployKeySchema.parse(
      await ada.put(`${keysOf("one")}/${made.id}`, { title: "robot", can_push: false }),
    );
    assert.deepEqual([renamed.title, renamed.can_push], ["robot", false]);
    await ada.put(`${keysOf("two")}/${made.id}`, { can_push: true });
    assert.deepEqual(await ada.get(keysOf("one")), [renamed]);

    assert.equal((await ada.call("GET", "/deploy_keys")).status, 403);
    const [all] = deployKeyOfInstanceSchema.array().parse(await root.get("/deploy_keys"));
    assert.deepEqual(
      [all?.projects_with_write_access.length, all?.projects_with_readonly_access.length],
      [1, 1],
    );
    await ada.delete(`${keysOf("one")}/${made.id}`);
    assert.equal((await ada.call("GET", `${keysOf("one")}/${made.id}`)).status, 404);
    assert.equal(projectDeployKeySchema.parse(await ada.get(`${keysOf("two")}/${made.id}`)).id, made.id);
    await ada.delete(`${keysOf("two")}/${made.id}`);
    assert.deepEqual(await root.get("/deploy_keys"), []);
    await eve.post("/user/keys", { title: "free again", key });
  });
});
