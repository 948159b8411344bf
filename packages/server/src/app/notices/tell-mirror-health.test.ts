import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { finishedUpdate } from "../../../../../test/support/finished-update.ts";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { createTestSealer } from "../../../../../test/support/sealer.ts";
import { openTestStore } from "../../../../../test/support/store.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../../db/instance-settings.ts";
import { createMemberStore } from "../../db/members.ts";
import { createMirrorStore } from "../../db/mirrors.ts";
import { createNamespaceStore } from "../../db/namespaces.ts";
import { createMailOutbox } from "../../db/outgoing-mails.ts";
import type { Db } from "../../db/pool.ts";
import { createProjectStore } from "../../db/projects.ts";
import { createUserStore } from "../../db/users.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror, type MirrorHealth } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import { parseRefName } from "../../domain/ref-name.ts";
import type { RefResult } from "../../domain/refs.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import type { User } from "../../domain/user.ts";
import { systemClock } from "../../system-clock.ts";
import type { FinishedUpdate, MemberSource, MirrorStore } from "../ports.ts";
import { projectManagers } from "./project-managers.ts";
import { tellMirrorHealth } from "./tell-mirror-health.ts";
import { tellMirrorUserGone } from "./tell-mirror-user-gone.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const NEXT = new Date("2026-01-02T03:34:05Z");

function finished(changes: Partial<FinishedUpdate> = {}): FinishedUpdate {
  return finishedUpdate(NOW, { nextCheckAt: NEXT, ...changes });
}

const FAILED = finished({ status: "failed", error: "The remote does not answer.", retryCount: 4 });
const PAUSED = finished({ status: "failed", error: "The remote does not answer.", nextCheckAt: null });
const TO_RETRY = finished({ status: "failed", error: "The remote does not answer.", willRetry: true });
/** Of an update that no row is kept of. */
const leaseOf = (mirror: Mirror) => ({ mirror, updateId: 1 });
const CANCELLED = finished({ status: "cancelled", error: "The update was cancelled." });

describe("mail about a mirror's health", () => {
  let db: Db;
  let mirrors: MirrorStore;
  let ports: Parameters<typeof tellMirrorHealth>[0];
  let ada: User;
  let project: Project;

  before(async () => {
    db = await openTestStore();
    await initInstanceSettings(db, { allowLocalRequests: false });
    mirrors = createMirrorStore(db, createTestSealer());
    ports = {
      clock: systemClock,
      instance: {
        version: "",
        revision: "",
        externalUrl: "https://git.example.org",
        sshPort: null,
        makeTokenSecret: () => "",
        random: () => 0,
        readinessProbes: {},
      },
      log: makeMemoryLog(),
      mails: createMailOutbox(db, { onPut: () => undefined }),
      members: createMemberStore(db),
      projects: createProjectStore(db),
      settings: createInstanceSettingsStore(db),
      users: createUserStore(db),
    };
    ada = await createUser("ada");
    const { id: namespaceId } = await db.selectFrom("namespaces").select("id").executeTakeFirstOrThrow();
    project = await ports.projects.create({
      namespaceId,
      name: "Widget",
      path: "widget",
      description: null,
      visibility: "private",
      creatorId: ada.id,
    });
  });
  after(async () => {
    await db.destroy();
  });
  beforeEach(async () => {
    await db.deleteFrom("mirrors").execute();
    await db.deleteFrom("outgoing_mails").execute();
    await ports.settings.write({ silentModeEnabled: false });
  });

  async function createUser(username: string): Promise<User> {
    const email = `${username}@example.com`;
    return await ports.users.create({ username, name: username, email, isAdmin: false, passwordHash: null });
  }

  async function createMirror(direction: Mirror["direction"] = "push"): Promise<Mirror> {
    return await mirrors.create({
      projectId: project.id,
      direction,
      enabled: true,
      url: parseRemoteUrl("https://example.net/w.git").url,
      urlHadUserinfo: true,
      authMethod: "password",
      credential: { username: "deploy", password: "planted" },
      options: DEFAULT_MIRROR_OPTIONS,
      userId: ada.id,
    });
  }

  /** Ends updates one after the other, each as the one before has left the mirror. */
  async function end(mirror: Mirror, ...outcomes: readonly FinishedUpdate[]): Promise<void> {
    for (const outcome of outcomes) {
      const now = await mirrors.find(mirror.id);
      if (now) await tellMirrorHealth(ports, leaseOf(now), outcome);
    }
  }

  async function mails() {
    return await db.selectFrom("outgoing_mails").selectAll().orderBy("id").execute();
  }

  async function subjects(): Promise<readonly string[]> {
    return (await mails()).map((mail) => mail.subject);
  }

  it("one mail for each change, however often it fails or works in between", async () => {
    const push = await createMirror();
    await end(
      push,
      finished(),
      TO_RETRY,
      FAILED,
      FAILED,
      CANCELLED,
      TO_RETRY,
      FAILED,
      finished(),
      finished(),
      FAILED,
    );
    assert.deepEqual(await subjects(), [
      "Widget | Remote mirror update failed",
      "Widget | Repository mirroring recovered",
      "Widget | Remote mirror update failed",
    ]);
    assert((await mails()).every((mail) => mail.recipient === "ada@example.com"));
  });

  it("a pull mirror fails, pauses, and recovers", async () => {
    const pull = await createMirror("pull");
    await end(pull, FAILED, FAILED, PAUSED, PAUSED, finished());
    assert.deepEqual(await subjects(), [
      "Widget | Repository mirroring failed",
      "Widget | Repository mirroring paused",
      "Widget | Repository mirroring recovered",
    ]);
    const paused = (await mails())[1];
    assert.match(paused?.body_text ?? "", /not tried again by itself/);
  });

  it("two nodes that tell the same at the same time write one mail", async () => {
    const mirror = await createMirror();
    await Promise.all(Array.from({ length: 6 }, () => tellMirrorHealth(ports, leaseOf(mirror), FAILED)));
    assert.equal((await mails()).length, 1);
  });

  it("a run that is slow to tell its end says nothing once the next one has ended", async () => {
    const mirror = await createMirror();
    const run = async (outcome: FinishedUpdate) => {
      await mirrors.requestUpdate(mirror.id, "manual", NOW);
      const lease = (await mirrors.startUpdate(mirror.id, NOW, NEXT)) ?? assert.fail();
      await mirrors.finishUpdate(lease, outcome);
      return lease;
    };
    const slow = await run(FAILED);
    await tellMirrorHealth(ports, await run(finished()), finished());
    await tellMirrorHealth(ports, slow, FAILED);
    assert.deepEqual([await subjects(), (await mirrors.find(mirror.id))?.toldHealth], [[], "good"]);
    const stopped = await run(FAILED);
    await run(CANCELLED);
    await tellMirrorHealth(ports, stopped, FAILED);
    assert.deepEqual(await subjects(), ["Widget | Remote mirror update failed"]);
  });

  it("another URL is another relation: its first failure is told anew", async () => {
    const mirror = await createMirror();
    await end(mirror, FAILED);
    await mirrors.update(mirror.id, {
      url: parseRemoteUrl("https://example.org/w.git").url,
      resetState: true,
    });
    await end(mirror, finished(), FAILED);
    assert.equal((await mails()).length, 2);
  });

  it("in Silent Mode nobody is told, and the first update after it says how things stand", async () => {
    const mirror = await createMirror();
    await ports.settings.write({ silentModeEnabled: true });
    await end(mirror, FAILED, FAILED);
    assert.deepEqual(await mails(), []);
    await ports.settings.write({ silentModeEnabled: false });
    await end(mirror, FAILED, FAILED);
    assert.equal((await mails()).length, 1);
  });

  it("without a mail server nothing is written, and nothing counts as told", async () => {
    const mirror = await createMirror();
    await tellMirrorHealth({ ...ports, mails: null }, leaseOf(mirror), FAILED);
    assert.equal((await mirrors.find(mirror.id))?.toldHealth, "good" satisfies MirrorHealth);
    await end(mirror, FAILED);
    assert.equal((await mails()).length, 1);
  });

  it("what cannot be told is a line in the log, and no failure of the update", async () => {
    const mirror = await createMirror();
    const log = makeMemoryLog();
    const broken = {
      ...ports,
      log,
      settings: {
        ...ports.settings,
        read: async () => {
          throw new Error("no database");
        },
      },
    };
    await tellMirrorHealth(broken, leaseOf(mirror), FAILED);
    assert.match(log.lines.join("\n"), /could not be told/);
  });

  it("says which mirror, since when, why, which refs and what helps", async () => {
    const mirror = await createMirror();
    const results: RefResult[] = Array.from({ length: 25 }, (_, index) => ({
      ref: parseRefName(`refs/heads/topic-${index}`),
      outcome: "rejected",
      old: null,
      new: null,
      message: `no entry ${index}`,
      ...(index === 0 ? { fix: "Let it in." } : {}),
    }));
    const held: RefResult = {
      ref: parseRefName("refs/heads/fine"),
      outcome: "created",
      old: null,
      new: null,
    };
    await end(mirror, { ...FAILED, results: [held, ...results] });
    const [mail] = await mails();
    assert.equal(
      mail?.body_text,
      [
        "The push mirror of ada/widget to https://*****:*****@example.net/w.git could not be updated.",
        "",
        "Failed: 2026-01-02 03:04 UTC",
        "Last successful update: never",
        "Cause: The remote does not answer.",
        "",
        "Branches and tags that were not updated:",
        "- refs/heads/topic-0: rejected: no entry 0",
        "  Let it in.",
        ...Array.from(
          { length: 19 },
          (_, index) => `- refs/heads/topic-${index + 1}: rejected: no entry ${index + 1}`,
        ),
        "and 5 more.",
        "",
        "What to do: see the hints above. It is tried again by itself at 2026-01-02 03:34 UTC or soon after, and when " +
          "the project changes; you need not wait for that, and can start it by hand.",
        "",
        "https://git.example.org/ada/widget",
        "",
        "You get this mail because you look after ada/widget. You are told again when this changes.",
        "",
      ].join("\n"),
    );
    assert(!JSON.stringify(mail).includes("planted"));
  });

  it("names and words of others are text and nothing else", async () => {
    const mirror = await createMirror();
    const name = "Wid\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u0000";
    const hostile = { ...project, name: name.replace("\u0000", "\u0007") };
    await tellMirrorHealth(
      { ...ports, projects: { ...ports.projects, find: async () => hostile } },
      leaseOf(mirror),
      {
        ...FAILED,
        error: `<img src=x onerror="x()">\r\n\u001b[31m${"\ud800"}`,
        results: [
          {
            ref: parseRefName("refs/heads/<b>"),
            outcome: "rejected",
            old: null,
            new: null,
            message: "line\nTo: you\n- refs/heads/fake: & more",
          },
        ],
      },
    );
    const [mail] = await mails();
    assert.equal(
      mail?.subject,
      "Wid Bcc: victim@example.com <script>alert(1)</script> | Remote mirror update failed",
    );
    assert.doesNotMatch(mail?.body_html ?? "", /<script|<img|<b>/);
    assert.match(mail?.body_html ?? "", /&lt;img src=x onerror=&quot;x\(\)&quot;&gt;/);
    assert.match(
      mail?.body_text ?? "",
      /- refs\/heads\/<b>: rejected: line To: you - refs\/heads\/fake: & more\n/,
    );
    for (const body of [mail?.body_text, mail?.body_html]) assert.doesNotMatch(body ?? "", /[^\P{Cc}\n]/u);
  });

  it("goes to maintainers and owners, inherited too; without them to active admins", async () => {
    const emails = async (of: Project) => (await projectManagers(ports, of)).map(({ email }) => email);
    assert.deepEqual(await emails(project), ["ada@example.com"], "the owner of the namespace");
    const { id: bossId } = await createUser("boss");
    const { id: awayId } = await createUser("away");
    await db.updateTable("users").set({ is_admin: true }).where("id", "in", [bossId, awayId]).execute();
    await ports.users.setState(awayId, "blocked");
    const namespaces = createNamespaceStore(db);
    const facts = { visibility: "private", description: null } as const;
    const top = await namespaces.createGroup({ ...facts, name: "Top", path: "top", parentId: null });
    const group = await namespaces.createGroup({ ...facts, name: "G", path: "g", parentId: top.id });
    const moved = await ports.projects.transfer(project.id, group.id);
    assert.deepEqual(await emails(moved), ["boss@example.com"], "nobody: the admins who can act");

    const inProject = { projectId: moved.id, namespace: group };
    const inTop = { projectId: null, namespace: top };
    async function add(name: string, where: MemberSource, accessLevel: number): Promise<void> {
      const { id: userId } = await createUser(name);
      const member = { userId, accessLevel, expiresAt: null, createdBy: ada.id };
      await ports.members.add(where, member);
    }
    await add("dev", inProject, 30);
    assert.deepEqual(await emails(moved), ["boss@example.com"], "developers are not told");
    await add("keeper", inProject, 40);
    await add("chief", inTop, 50);
    assert.deepEqual(await emails(moved), ["keeper@example.com", "chief@example.com"]);
    const keeper = await ports.users.findByUsername("keeper");
    await ports.users.setState(keeper?.id ?? 0, "blocked");
    assert.deepEqual(await emails(moved), ["chief@example.com"]);
    await db.updateTable("members").set({ expires_at: "2020-01-01" }).execute();
    assert.deepEqual(await emails(moved), ["boss@example.com"], "what has expired does not count");
    await ports.projects.transfer(project.id, project.namespace.id);
  });

  it("tells that a mirror goes on without its user", async () => {
    const mirror = await createMirror("pull");
    await tellMirrorUserGone(ports, project, mirror);
    const [mail] = await mails();
    assert.equal(mail?.subject, "Widget | Repository mirroring continues without its user");
    assert.match(mail?.body_text ?? "", /The pull mirror of ada\/widget from https:\/\/\*\*\*\*\*/);
    await ports.settings.write({ silentModeEnabled: true });
    await tellMirrorUserGone(ports, project, mirror);
    await tellMirrorUserGone({ ...ports, mails: null }, project, mirror);
    assert.equal((await mails()).length, 1);
  });
});
