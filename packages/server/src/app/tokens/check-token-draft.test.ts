import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccessToken, Principal, User } from "../../domain/user.ts";
import { expiryAfterRotation, noLaterThanOwn } from "./check-token-draft.ts";

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
const NOW = new Date("2030-01-01T12:00:00Z");
const SOON = day("2030-01-04");
const LATER = day("2030-06-01");

const ada: User = {
  ...{ id: 1, username: "ada", name: "Ada", email: "ada@example.com", isAdmin: false, state: "active" },
  ...{ botOfProjectId: null, isTokenBot: false, hasSecondFactor: false, createdAt: NOW },
};

function by(expiresAt: Date | null, id = 7): Principal {
  const token: AccessToken = {
    ...{ id, userId: 1, name: "t", description: null, scopes: ["api"], projectId: null, namespaceId: null },
    ...{ revoked: false, createdAt: NOW, lastUsedAt: null, expiresAt },
  };
  return { kind: "user", user: ada, memberships: [], token };
}

const signedIn: Principal = { kind: "user", user: ada, memberships: [], token: null };
const tooLate = { code: "model-invalid", message: "expires_at must not be after 2030-01-04" };

describe("what a token makes", () => {
  it("ends no later than itself", () => {
    assert.deepEqual(noLaterThanOwn(by(SOON), null), SOON);
    assert.deepEqual(noLaterThanOwn(by(SOON), day("2030-01-03")), day("2030-01-03"));
    assert.deepEqual(noLaterThanOwn(by(SOON), SOON), SOON);
    assert.throws(() => noLaterThanOwn(by(SOON), LATER), tooLate);
  });

  it("ends as wanted where it does not end, and where somebody signed in", () => {
    for (const principal of [by(null), signedIn]) {
      assert.equal(noLaterThanOwn(principal, null), null);
      assert.deepEqual(noLaterThanOwn(principal, LATER), LATER);
    }
  });
});

describe("the successor of a token", () => {
  const ofOther = (old: Date | null, expiresAt?: Date) =>
    expiryAfterRotation(
      by(SOON),
      { id: 8, expiresAt: old },
      expiresAt === undefined ? {} : { expiresAt },
      NOW,
    );

  it("ends no later than the other token that rotated it", () => {
    assert.deepEqual(ofOther(null), SOON);
    assert.deepEqual(ofOther(LATER), SOON);
    assert.throws(() => ofOther(null, LATER), tooLate);
  });

  it("may end later than the token that rotated itself, or than one that somebody rotated who signed in", () => {
    const old = { id: 7, expiresAt: SOON };
    for (const principal of [by(SOON), by(null), signedIn]) {
      assert.deepEqual(expiryAfterRotation(principal, old, {}, NOW), day("2030-01-08"));
      assert.deepEqual(expiryAfterRotation(principal, old, { expiresAt: LATER }, NOW), LATER);
    }
  });
});
