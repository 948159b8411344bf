import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TokenScope, Visibility } from "@heliostat/contract";
import {
  accessLevel,
  type CredentialAction,
  may,
  mayHandleCredential,
  type ProjectAction,
} from "./policy.ts";
import type { Project } from "./project.ts";
import type { Principal, User } from "./user.ts";

const DAY = new Date("2030-01-01T00:00:00Z");
const OWNER_ID = 7;

function project(visibility: Visibility, changes: Partial<Project> = {}): Project {
  return {
    id: 1,
    namespace: {
      id: 1,
      kind: "user",
      name: "o",
      path: "o",
      fullPath: "o",
      parentId: null,
      ownerId: OWNER_ID,
    },
    name: "p",
    path: "p",
    description: null,
    visibility,
    archived: false,
    creatorId: OWNER_ID,
    pullMirrorAvailable: null,
    pushMirrorsAvailable: null,
    limits: { repositorySizeLimit: null, maxRefs: null, fsckSeverity: null },
    refsGeneration: 0,
    createdAt: DAY,
    updatedAt: DAY,
    lastActivityAt: DAY,
    ...changes,
  };
}

function user(changes: Partial<User> = {}): User {
  return {
    id: 99,
    username: "u",
    name: "U",
    email: "u@example.com",
    isAdmin: false,
    state: "active",
    botOfProjectId: null,
    createdAt: DAY,
    ...changes,
  };
}

function signedIn(who: User, scopes?: readonly TokenScope[]): Principal {
  const common = { id: 1, name: "t", revoked: false, createdAt: DAY, lastUsedAt: null, expiresAt: null };
  return {
    kind: "user",
    user: who,
    token: scopes === undefined ? null : { ...common, userId: who.id, scopes },
  };
}

const anonymous: Principal = { kind: "anonymous" };
const admin = user({ isAdmin: true });
const owner = user({ id: OWNER_ID });

const ACTIONS: readonly ProjectAction[] = [
  "read-project",
  "read-repository",
  "write-repository",
  "read-mirrors",
  "admin-mirrors",
  "admin-project",
];

/** What of the six actions is allowed, as a string such as `RrwmMP` with `-` for each refusal. */
function allowed(principal: Principal, on: Project): string {
  return ACTIONS.map((action, at) => (may(principal, action, on) ? "RrwmMP".charAt(at) : "-")).join("");
}

describe("accessLevel", () => {
  const group = {
    id: 2,
    kind: "group",
    name: "g",
    path: "g",
    fullPath: "g",
    parentId: null,
    ownerId: null,
  } as const;
  const blocked = { state: "blocked" } as const;
  const matrix: [who: string, principal: Principal, levels: [priv: number, internal: number, pub: number]][] =
    [
      ["nobody", anonymous, [0, 0, 20]],
      ["any user", signedIn(user()), [0, 20, 20]],
      ["the owner of the namespace", signedIn(owner), [50, 50, 50]],
      ["an admin", signedIn(admin), [50, 50, 50]],
      ["a blocked user", signedIn(user(blocked)), [0, 0, 0]],
      ["a blocked owner", signedIn(user({ id: OWNER_ID, ...blocked })), [0, 0, 0]],
      ["a blocked admin", signedIn(user({ isAdmin: true, ...blocked })), [0, 0, 0]],
    ];
  for (const [who, principal, levels] of matrix) {
    it(`${who}: ${levels.join(", ")} on private, internal and public projects`, () => {
      const visibilities = ["private", "internal", "public"] as const;
      assert.deepEqual(
        visibilities.map((visibility) => accessLevel(principal, project(visibility))),
        levels,
      );
    });
  }

  it("knows no owner of a group: there, only admins have more than anybody", () => {
    assert.equal(accessLevel(signedIn(owner), project("private", { namespace: group })), 0);
    assert.equal(accessLevel(signedIn(admin), project("private", { namespace: group })), 50);
    const odd = { ...group, ownerId: OWNER_ID };
    assert.equal(accessLevel(signedIn(owner), project("private", { namespace: odd })), 0);
  });

  it("does not depend on the token", () => {
    assert.equal(accessLevel(signedIn(owner, []), project("private")), 50);
  });
});

describe("may", () => {
  const matrix: [who: string, principal: Principal, priv: string, pub: string][] = [
    ["nobody", anonymous, "------", "Rr----"],
    ["any user", signedIn(user()), "------", "Rr----"],
    ["the owner", signedIn(owner), "RrwmMP", "RrwmMP"],
    ["an admin", signedIn(admin), "RrwmMP", "RrwmMP"],
    ["a blocked admin", signedIn(user({ isAdmin: true, state: "blocked" })), "------", "------"],
    ["the owner with api", signedIn(owner, ["api"]), "RrwmMP", "RrwmMP"],
    ["the owner with read_api", signedIn(owner, ["read_api"]), "R--m--", "R--m--"],
    ["the owner with read_repository", signedIn(owner, ["read_repository"]), "-r----", "-r----"],
    ["the owner with write_repository", signedIn(owner, ["write_repository"]), "-rw---", "-rw---"],
    ["the owner with both read scopes", signedIn(owner, ["read_api", "read_repository"]), "Rr-m--", "Rr-m--"],
    ["the owner with no scope", signedIn(owner, []), "------", "------"],
    ["an admin with admin_mode and sudo alone", signedIn(admin, ["admin_mode", "sudo"]), "------", "------"],
    ["any user with api", signedIn(user(), ["api"]), "------", "Rr----"],
    ["any user with write_repository", signedIn(user(), ["write_repository"]), "------", "-r----"],
  ];
  for (const [who, principal, onPrivate, onPublic] of matrix) {
    it(`${who}: ${onPrivate} on a private project, ${onPublic} on a public one`, () => {
      assert.equal(allowed(principal, project("private")), onPrivate);
      assert.equal(allowed(principal, project("public")), onPublic);
    });
  }

  it("lets nobody push to an archived project, and changes nothing else", () => {
    const archived = project("public", { archived: true });
    assert.equal(allowed(signedIn(admin), archived), "Rr-mMP");
    assert.equal(allowed(signedIn(owner, ["write_repository"]), archived), "-r----");
    assert.equal(allowed(anonymous, archived), "Rr----");
  });
});

describe("mayHandleCredential", () => {
  const actions: readonly CredentialAction[] = ["read-credential", "use-credential", "admin-credential"];
  const own = { kind: "user", ownerId: OWNER_ID } as const;
  const group = { kind: "group", ownerId: null } as const;
  const allowedOn = (principal: Principal, namespace: typeof own | typeof group) =>
    actions
      .map((action, at) => (mayHandleCredential(principal, action, namespace) ? "ruA".charAt(at) : "-"))
      .join("");
  const matrix: [who: string, principal: Principal, ofUser: string, ofGroup: string][] = [
    ["nobody", anonymous, "---", "---"],
    ["any user", signedIn(user()), "---", "---"],
    ["the user whose it is", signedIn(owner), "ruA", "---"],
    ["the same with api", signedIn(owner, ["api"]), "ruA", "---"],
    ["the same with read_api", signedIn(owner, ["read_api"]), "r--", "---"],
    ["the same with scopes for git", signedIn(owner, ["read_repository", "write_repository"]), "---", "---"],
    ["the same with no scope", signedIn(owner, []), "---", "---"],
    ["the same, blocked", signedIn(user({ id: OWNER_ID, state: "blocked" })), "---", "---"],
    ["an admin", signedIn(admin), "ruA", "ruA"],
    ["an admin with read_api", signedIn(admin, ["read_api"]), "r--", "r--"],
    ["an admin with admin_mode and sudo alone", signedIn(admin, ["admin_mode", "sudo"]), "---", "---"],
    ["a blocked admin", signedIn(user({ isAdmin: true, state: "blocked" })), "---", "---"],
  ];
  for (const [who, principal, ofUser, ofGroup] of matrix) {
    it(`${who}: ${ofUser} on a user's, ${ofGroup} on a group's`, () => {
      assert.equal(allowedOn(principal, own), ofUser);
      assert.equal(allowedOn(principal, group), ofGroup);
    });
  }

  it("knows no owner of a group, whatever its row says", () => {
    assert.equal(
      mayHandleCredential(signedIn(owner), "read-credential", { kind: "group", ownerId: OWNER_ID }),
      false,
    );
  });
});
