import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { HeliostatError } from "../domain/errors.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { openMirrorStore } from "./mirror-store.test-support.ts";
import { createMirrorStore } from "./mirrors.ts";

const { db, mirrors, createMirror } = await openMirrorStore();

describe("the secret of a mirror", () => {
  it("is sealed in its row, opened for a run, and never part of the mirror", async () => {
    const mirror = await createMirror({ credential: { username: "ada", password: "s3cret-value" } });
    assert.equal(mirror.hasPassword, true);
    assert.equal(JSON.stringify(mirror).includes("s3cret"), false);
    const row = await db.selectFrom("credentials").selectAll().executeTakeFirstOrThrow();
    assert.equal(
      JSON.stringify({ ...row, sealed: row.password_sealed?.toString("latin1") }).includes("s3cret"),
      false,
    );
    assert.deepEqual((await mirrors.readRemote(mirror.id)).secret, {
      username: "ada",
      password: "s3cret-value",
    });
  });

  it("may be the user name: then that is sealed too, with a password or alone", async () => {
    const token = "token-in-place-of-a-user-name";
    const { id, ...made } = await createMirror({ credential: { username: token } });
    const read = async () => (await mirrors.readRemote(id)).secret;
    const stored = async () => JSON.stringify(await db.selectFrom("credentials").selectAll().execute());
    assert.deepEqual([made.username, made.hasPassword], ["*****", false]);
    assert.deepEqual(await read(), { username: token });
    assert.equal((await stored()).includes("token-in"), false);

    const both = await mirrors.update(id, { credential: { password: "x-oauth-basic" } });
    assert.deepEqual([both.username, both.hasPassword], ["*****", true]);
    assert.deepEqual(await read(), { username: token, password: "x-oauth-basic" });

    await mirrors.update(id, { credential: { username: "ada" } });
    assert.deepEqual(await read(), { username: "ada", password: "x-oauth-basic" });
    await mirrors.update(id, { credential: { username: token, password: null } });
    assert.deepEqual(await read(), { username: token });
    await mirrors.update(id, { credential: { username: null, password: null } });
    assert.deepEqual(await read(), {});
    assert.equal((await stored()).includes("token-in"), false);
  });

  it("may be given again when the key that sealed a token and its password is lost", async () => {
    const sealed = { username: "token-in-place-of-a-user-name", password: "x-oauth-basic" };
    const { id } = await createMirror({ credential: sealed });
    await db.updateTable("credentials").set({ password_key_id: "lost" }).execute();
    await mirrors.update(id, { credential: { password: "another" } });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { password: "another" });
  });

  it("does not open in another mirror's row", async () => {
    const one = await createMirror({ credential: { password: "s3cret-value" } });
    const two = await createMirror({ url: parseRemoteUrl("https://example.com/b.git").url });
    await db.updateTable("credentials").set({ mirror_id: two.id }).where("mirror_id", "=", one.id).execute();
    await assert.rejects(
      mirrors.readRemote(two.id),
      (error: unknown) => error instanceof HeliostatError && error.code === "secret-unreadable",
    );
  });

  it("is kept, replaced or taken away as asked", async () => {
    const { id } = await createMirror({ credential: { username: "ada", password: "one" } });
    await mirrors.update(id, { enabled: false });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { username: "ada", password: "one" });
    await mirrors.update(id, { credential: { password: "two" } });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { username: "ada", password: "two" });
    await mirrors.update(id, { credential: { username: null, password: null } });
    assert.deepEqual((await mirrors.readRemote(id)).secret, {});
  });

  it("is read together with the URL that it is for", async () => {
    const { id } = await createMirror({ credential: { username: "ada", password: "one" } });
    const { url } = parseRemoteUrl("https://other.example.com/a.git");
    await mirrors.update(id, { url, credential: { username: "bob", password: "two" }, resetState: true });
    const remote = await mirrors.readRemote(id);
    assert.deepEqual([remote.url, remote.secret], [url, { username: "bob", password: "two" }]);
  });

  it("is opened as far as the URL and auth_method use it: what is lost beside it does no harm", async () => {
    const keyPair = { publicKey: "ssh-ed25519 AAAA x", privateKey: "PRIVATE" };
    const { id } = await createMirror({
      credential: { username: "ada", password: "one", keyPair },
      clientCertificate: { certificate: "CERTIFICATE", privateKey: "CLIENT" },
    });
    const lost = createMirrorStore(db, createTestSealer("n"));
    await assert.rejects(lost.readRemote(id), { code: "secret-unreadable" });
    await lost.update(id, { credential: { password: "two" } });
    await assert.rejects(lost.readRemote(id), { code: "secret-unreadable" }, "the client key is lost");
    await lost.update(id, { clientCertificate: { certificate: "C2", privateKey: "CLIENT 2" } });
    const password = { username: "ada", password: "two", clientKey: "CLIENT 2" };
    assert.deepEqual((await lost.readRemote(id)).secret, password);
    const { url } = parseRemoteUrl("ssh://git@example.com/a.git");
    await mirrors.update(id, { url, authMethod: "ssh_public_key" });
    assert.deepEqual((await mirrors.readRemote(id)).secret, { username: "ada", privateKey: "PRIVATE" });
    await assert.rejects(lost.readRemote(id), { code: "secret-unreadable" }, "the key pair is used now");
  });
});
