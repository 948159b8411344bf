import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { ATTENTION_REASONS, type ErrorCode } from "@heliostat/contract";
import { createTestSealer } from "../../../../test/support/sealer.ts";
import { eyesOf, makeProjectOfAda, openTestStore } from "../../../../test/support/store.ts";
import type { CredentialStore, MirrorAttention, MirrorStore } from "../app/ports.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../domain/mirror.ts";
import { parseRemoteUrl } from "../domain/remote-url.ts";
import { HARD_FAILURE_AFTER } from "../domain/schedule.ts";
import type { User } from "../domain/user.ts";
import { createCredentialStore } from "./credentials.ts";
import { createMirrorAttention } from "./mirror-attention.ts";
import { createMirrorStore } from "./mirrors.ts";
import { createNamespaceStore } from "./namespaces.ts";
import type { Db } from "./pool.ts";
import { createUserStore } from "./users.ts";

const NOW = new Date("2026-01-01T12:00:00Z");
const inDays = (days: number) => new Date(NOW.getTime() + days * 24 * 3600 * 1000);
const PAGE = { page: 1, perPage: 20 };

let db: Db;
let mirrors: MirrorStore;
let credentials: CredentialStore;
let attention: MirrorAttention;
let ada: User;
let projectId = 0;
let namespaceId = 0;
/** What the test sealer seals with. */
let keyIds: readonly string[] = [];

before(async () => {
  db = await openTestStore();
  const sealer = createTestSealer();
  keyIds = [sealer.seal("x", "y").keyId];
  mirrors = createMirrorStore(db, sealer);
  credentials = createCredentialStore(db, sealer);
  attention = createMirrorAttention(db);
  const made = await makeProjectOfAda(db);
  projectId = made.projectId;
  const user = await createUserStore(db).find(made.userId);
  assert(user);
  ada = user;
  namespaceId = (await createNamespaceStore(db).findByFullPath("ada"))?.id ?? 0;
});

after(async () => {
  await db.destroy();
});

beforeEach(async () => {
  await db.deleteFrom("mirrors").execute();
  await db.deleteFrom("credentials").execute();
});

async function makeMirror(
  name: string,
  settings: {
    readonly direction?: "pull" | "push";
    readonly enabled?: boolean;
    readonly code?: ErrorCode;
    readonly failures?: number;
    readonly credentialId?: number;
    readonly password?: string;
  } = {},
): Promise<number> {
  const { direction = "push", enabled = true, code, failures = 0, credentialId, password } = settings;
  const { id } = await mirrors.create({
    ...{ projectId, direction, enabled, urlHadUserinfo: false, authMethod: "password", userId: ada.id },
    url: parseRemoteUrl(`https://example.com/${name}.git`).url,
    credential: password === undefined ? {} : { username: "bot", password },
    ...(credentialId === undefined ? {} : { credentialId }),
    options: DEFAULT_MIRROR_OPTIONS,
  });
  const columns = { last_error_code: code ?? null, last_error: code ?? null, retry_count: failures };
  await db.updateTable("mirrors").set(columns).where("id", "=", id).execute();
  return id;
}

function makeCredential(name: string, expiresAt: Date | null): Promise<{ readonly id: number }> {
  const secret = { password: "s" };
  const whose = { namespaceId, createdBy: ada.id, kind: "password", username: null } as const;
  return credentials.create({ ...whose, name, expiresAt, secret });
}

async function listReasons(
  filter: { readonly waiting?: boolean; readonly visibleTo?: User; readonly keyIds?: readonly string[] } = {},
) {
  const { visibleTo = ada, ...rest } = filter;
  const wanted = { ...{ visibleTo: eyesOf(visibleTo), waiting: true, now: NOW, keyIds }, ...rest };
  const { items, total } = await attention.list(wanted, PAGE);
  assert.equal(total, items.length);
  return items.map(({ mirror, reasons }) => [mirror.id, reasons] as const);
}

describe("mirrors that wait for somebody", () => {
  it("are those whose last error only a person can mend", async () => {
    await makeMirror("well", { password: "s" });
    await makeMirror("silent", { code: "remote-timeout", failures: 3 });
    const expected = [];
    for (const code of [
      "host-key-revoked",
      "host-key-changed",
      "host-key-missing",
      "ssh-key-refused",
    ] as const) {
      expected.push([await makeMirror(code, { code }), [code]]);
    }
    for (const code of ["remote-credential", "remote-forbidden"] as const) {
      expected.push([await makeMirror(code, { code }), ["credential-refused"]]);
    }
    assert.deepEqual(await listReasons(), expected);
  });

  it("are those whose credential expires within a week, or has, and pull mirrors on pause", async () => {
    const later = await makeCredential("later", inDays(7.01));
    const soon = await makeCredential("soon", inDays(7));
    const past = await makeCredential("past", NOW);
    await makeMirror("later", { credentialId: later.id });
    const expected = [
      [await makeMirror("soon", { credentialId: soon.id }), ["credential-expires-soon"]],
      [await makeMirror("past", { credentialId: past.id }), ["credential-expired"]],
    ];
    await makeMirror("pushed", { failures: HARD_FAILURE_AFTER + 1 });
    const pulled = await makeMirror("pulled", { direction: "pull", failures: HARD_FAILURE_AFTER + 1 });
    expected.push([pulled, ["paused"]]);
    assert.deepEqual(await listReasons(), expected);
    await db.updateTable("mirrors").set({ retry_count: HARD_FAILURE_AFTER }).execute();
    assert.equal((await listReasons()).length, 2);
  });

  it("are those whose secret cannot be opened, off or on; of those that are off nothing else counts", async () => {
    const named = await makeCredential("named", inDays(-1));
    const off = await makeMirror("off", { enabled: false, password: "s", code: "host-key-changed" });
    const on = await makeMirror("on", { credentialId: named.id, code: "remote-credential" });
    await makeMirror("without");
    assert.deepEqual(await listReasons(), [[on, ["credential-refused", "credential-expired"]]]);
    assert.deepEqual(await listReasons({ keyIds: [] }), [
      [off, ["needs-secret"]],
      [on, ["needs-secret", "credential-refused", "credential-expired"]],
    ]);
  });

  it("come one page at a time, among all mirrors if wanted, to those who own them and to admins", async () => {
    const waiting = await makeMirror("waiting", { code: "host-key-missing" });
    const well = await makeMirror("well");
    assert.deepEqual(await listReasons({ waiting: false }), [
      [waiting, ["host-key-missing"]],
      [well, []],
    ]);
    const filter = { visibleTo: eyesOf(ada), waiting: false, now: NOW, keyIds };
    const second = await attention.list(filter, { page: 2, perPage: 1 });
    assert.deepEqual([second.total, second.items.map(({ mirror }) => mirror.id)], [2, [well]]);
    const stranger = { ...ada, id: ada.id + 1000 };
    assert.deepEqual(await listReasons({ waiting: false, visibleTo: stranger }), []);
    const admin = { ...stranger, isAdmin: true };
    assert.equal((await listReasons({ waiting: false, visibleTo: admin })).length, 2);
  });

  it("have words of the closed list, all of them", async () => {
    const past = await makeCredential("past", inDays(-1));
    const soon = await makeCredential("soon", inDays(1));
    for (const code of [
      "host-key-revoked",
      "host-key-changed",
      "host-key-missing",
      "ssh-key-refused",
      "remote-credential",
    ] as const) {
      await makeMirror(code, { code, credentialId: past.id });
    }
    await makeMirror("soon", {
      ...{ direction: "pull", credentialId: soon.id, failures: HARD_FAILURE_AFTER + 1 },
    });
    const seen = (await listReasons({ keyIds: [] })).flatMap(([, reasons]) => reasons);
    assert.deepEqual([...new Set(seen)].sort(), [...ATTENTION_REASONS].sort());
  });
});
