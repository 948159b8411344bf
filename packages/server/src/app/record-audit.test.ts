import assert from "node:assert/strict";
import test from "node:test";
import type { NewAuditEvent } from "../domain/audit-event.ts";
import type { Principal, User } from "../domain/user.ts";
import { INSTANCE } from "./audit/entities.ts";
import { recordAudit } from "./record-audit.ts";

const NOW = new Date("2026-01-01T00:00:00Z");

function userOf(id: number, username: string): User {
  const rest = {
    botOfProjectId: null,
    isTokenBot: false,
    hasSecondFactor: false,
    createdAt: NOW,
    state: "active",
  } as const;
  return { id, username, name: username, email: `${username}@example.com`, isAdmin: id === 1, ...rest };
}

async function recorded(principal: Principal): Promise<NewAuditEvent> {
  const events: NewAuditEvent[] = [];
  const audit = {
    record: async (event: NewAuditEvent) => void events.push(event),
  };
  const news = { action: "thing-done", entity: INSTANCE, details: { a: 1 } };
  await recordAudit({ audit, clock: { now: () => NOW } }, principal, news);
  const [event] = events;
  assert(event);
  return event;
}

test("an event says who, by which token, from where and when", async () => {
  const token = {
    ...({ id: 9, userId: 2, name: "of ci", description: null, scopes: ["api"], projectId: null } as const),
    ...{ namespaceId: null, revoked: false, createdAt: NOW, lastUsedAt: null, expiresAt: null },
  };
  const from = { door: "http", address: "192.0.2.7" } as const;
  const event = await recorded({ kind: "user", user: userOf(2, "ada"), memberships: [], token, from });
  assert.deepEqual(event, {
    ...{ action: "thing-done", entity: INSTANCE, details: { a: 1 }, at: NOW, from },
    author: { id: 2, name: "ada" },
    authenticatedBy: "token 9 (of ci)",
  });
});

test("whoever acts in the place of another is the author, and the other is named", async () => {
  const principal = {
    ...({ kind: "user", user: userOf(2, "ada"), memberships: [], token: null } as const),
    impersonator: userOf(1, "root"),
  };
  const { author, details } = await recorded(principal);
  assert.deepEqual(
    [author, details],
    [
      { id: 1, name: "root" },
      { a: 1, acting_for: "ada" },
    ],
  );
});

test("a deploy key and nobody are authors without an account", async () => {
  const anonymous = await recorded({ kind: "anonymous" });
  assert.deepEqual([anonymous.author.id, anonymous.from], [null, null]);
});
