import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { eyesOf, makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { MirrorStore, Page, SealedSecretStore } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import type { User } from "../domain/user.ts";
import { createMirrorStore } from "./mirrors.ts";
import type { Db } from "./pool.ts";
import { createSealedSecretStore } from "./sealed-secrets.ts";
import { createUserStore } from "./users.ts";

let db: Db;
let mirrors: MirrorStore;
let sealedSecrets: SealedSecretStore;
let ada: User;
let projectId = 0;

before(async () => {
  db = await openTestStore();
  const sealer = createTestSealer("k");
  mirrors = createMirrorStore(db, sealer);
  sealedSecrets = createSealedSecretStore(db, sealer);
  const made = await makeProjectOfAda(db);
  projectId = made.projectId;
  const user = await createUserStore(db).find(made.userId);
  assert(user);
  ada = user;
});

after(async () => {
  await db.destroy();
});

test("mirrors whose secrets are lost come by pages, to whoever may see them", async () => {
  const make = (name: string, password?: string) =>
    mirrors.create({
      ...{ projectId, direction: "push", enabled: true, urlHadUserinfo: false, authMethod: "password" },
      url: parseRemoteUrl(`https://example.com/${name}.git`).url,
      credential: password === undefined ? {} : { password },
      ...{ options: DEFAULT_MIRROR_OPTIONS, userId: ada.id },
    });
  const ids: number[] = [];
  for (const name of ["a", "b", "c"]) ids.push((await make(name, "secret")).id);
  await make("d");
  const list = async (viewer: User, page: Page, keyIds: readonly string[] = []) => {
    const { items, total } = await sealedSecrets.listMirrorsWithout(
      { visibleTo: eyesOf(viewer), keyIds },
      page,
    );
    return [items.map(({ mirror }) => mirror.id), total];
  };
  const first = { page: 1, perPage: 2 };
  assert.deepEqual(await list(ada, first), [ids.slice(0, 2), 3]);
  assert.deepEqual(await list(ada, { ...first, page: 2 }), [ids.slice(2), 3]);
  assert.deepEqual(await list(ada, first, ["k"]), [[], 0]);
  const stranger = { ...ada, id: ada.id + 1 };
  assert.deepEqual(await list(stranger, first), [[], 0]);
  assert.deepEqual(await list({ ...stranger, isAdmin: true }, first), [ids.slice(0, 2), 3]);
  const { items } = await sealedSecrets.listMirrorsWithout({ visibleTo: eyesOf(ada), keyIds: [] }, first);
  assert.equal(items[0]?.projectPath, "ada/p");
  assert.equal(await sealedSecrets.countMirrorsWithout(["other"]), 3);
  assert.equal(await sealedSecrets.countMirrorsWithout(["other", "k"]), 0);
});
