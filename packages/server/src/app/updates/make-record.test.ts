import assert from "node:assert/strict";
import { test } from "node:test";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import { createMirrorStore } from "../../db/mirrors.ts";
import { createProjectStore } from "../../db/projects.ts";
import { createUserStore } from "../../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS } from "../../domain/mirror.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { systemClock } from "../../system-clock.ts";
import { makeRecord, recordPlainly } from "./make-record.ts";

const SECRET = "planted-Pa55word";

test("an update whose log cannot be made ends as failed, in plain words, and is not taken up again", async (t) => {
  const db = await openTestStore();
  t.after(() => db.destroy());
  await initInstanceSettings(db, { allowLocalRequests: false });
  const noSecrets = () => assert.fail("no secret is kept here");
  const mirrors = createMirrorStore(db, { seal: noSecrets, open: noSecrets });
  const ada = await createUserStore(db).create({
    ...{ username: "ada", name: "Ada", email: "ada@example.com", isAdmin: false, passwordHash: null },
  });
  const namespace = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
  const project = await createProjectStore(db).create({
    ...{ namespaceId: namespace.id, name: "p", path: "p", description: null },
    ...{ visibility: "private", creatorId: ada.id },
  });
  const { id } = await mirrors.create({
    ...{ projectId: project.id, direction: "pull", enabled: true, urlHadUserinfo: false, userId: ada.id },
    ...{ url: parseRemoteUrl("https://example.com/a.git").url, authMethod: "password", credential: {} },
    options: DEFAULT_MIRROR_OPTIONS,
  });
  const started = systemClock.now();
  await mirrors.requestUpdate(id, "manual", started);
  const lease = await mirrors.startUpdate(id, started, new Date(started.getTime() + 30_000));
  assert.ok(lease);
  const log = makeMemoryLog();
  const ports = {
    clock: systemClock,
    log,
    settings: createInstanceSettingsStore(db),
    instance: {
      ...{ version: "", revision: "", externalUrl: "https://git.example.org", readinessProbes: {} },
      ...{ makeTokenSecret: () => "", random: () => 0, sshPort: null },
    },
  };

  const run = { mirror: lease.mirror, trigger: lease.trigger, started };
  const ended = await recordPlainly(ports, run, new SyntaxError(SECRET));
  const record = await makeRecord(ports, run, {
    ended: { ...ended, error: SECRET },
    log: {
      add: () => undefined,
      hideWith: () => undefined,
      lines: () => {
        throw new SyntaxError(`Invalid regular expression: ${SECRET}`);
      },
    },
    bytes: { bytesReceived: 7, bytesSent: 8 },
  });
  assert.equal(await mirrors.finishUpdate(lease, record), true);

  const update = await mirrors.findUpdate(id, lease.updateId);
  assert.deepEqual([update?.status, update?.bytesReceived, update?.log], ["failed", 7, []]);
  assert.match(update?.error ?? "", /^The update ended, but what came of it could not be recorded\./);
  const mirror = await mirrors.find(id);
  assert.deepEqual([mirror?.updateStatus, mirror?.retryCount, mirror?.requestedAt], ["failed", 1, null]);
  assert.ok(mirror?.nextCheckAt && mirror.nextCheckAt > started);
  assert.ok(!JSON.stringify(log).includes(SECRET));
});
