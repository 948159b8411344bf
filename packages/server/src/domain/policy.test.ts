import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TOKEN_SCOPES, type TokenScope, VISIBILITIES, type Visibility } from "@heliostat/contract";
import fc from "fast-check";
import {
  ACCESS_LEVELS,
  accessLevel,
  actsAsAdmin,
  levelOfUser,
  may,
  mayGiveRole,
  mayIn,
  mayMirror,
  type NamespaceAction,
  namespaceLevel,
  type ProjectAction,
  rolesIn,
  seesInternal,
} from "./policy.ts";
import type { Namespace, Project } from "./project.ts";
import type { DeployKey } from "./ssh-key.ts";
import type { AccessToken, Membership, Principal, User } from "./user.ts";

/* The rules as tables: a letter where it is allowed, a dash where it is not. */

/** In the order of the columns of a cell: `PRCWmMhHAO`. */
const PROJECT_ACTIONS: Readonly<Record<ProjectAction, string>> = {
  "read-project": "P",
  "read-repository": "R",
  "read-code": "C",
  "write-repository": "W",
  "read-mirrors": "m",
  "admin-mirrors": "M",
  "read-hooks": "h",
  "admin-hooks": "H",
  "admin-project": "A",
  "own-project": "O",
};

/** `NPTSAruc`. */
const NAMESPACE_ACTIONS: Readonly<Record<NamespaceAction, string>> = {
  "read-namespace": "N",
  "create-project": "P",
  "transfer-projects": "T",
  "create-subgroup": "S",
  "admin-namespace": "A",
  "read-credential": "r",
  "use-credential": "u",
  "admin-credential": "c",
};

const DAY = new Date("2030-01-01T00:00:00Z");
const TOP = 10;
const MIDDLE = 11;
const HOME = 12;
const ELSEWHERE = 20;
const PROJECT = 100;
const OTHER_PROJECT = 101;

/** The project lives in `top/middle/home`. */
const GROUP: Namespace = {
  id: HOME,
  kind: "group",
  name: "home",
  path: "home",
  fullPath: "top/middle/home",
  parentId: MIDDLE,
  ownerId: null,
  traversalIds: [TOP, MIDDLE, HOME],
  visibility: "private",
  description: null,
};

function project(changes: Partial<Project> = {}): Project {
  return {
    id: PROJECT,
    namespace: GROUP,
    name: "p",
    path: "p",
    description: null,
    visibility: "private",
    archived: false,
    topics: [],
    keptAttributes: {},
    creatorId: null,
    pullMirrorAvailable: null,
    pushMirrorsAvailable: null,
    limits: {
      repositorySizeLimit: null,
      maxRefs: null,
      fsckSeverity: null,
      maxFileSize: null,
      maxPushSize: null,
    },
    pushesToMirroredBranches: "warn",
    defaultBranchWasProtected: false,
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
    isTokenBot: false,
    hasSecondFactor: false,
    createdAt: DAY,
    ...changes,
  };
}

function tokenOf(scopes: readonly TokenScope[]): AccessToken {
  return {
    id: 1,
    userId: 99,
    name: "t",
    description: null,
    scopes,
    projectId: null,
    namespaceId: null,
    revoked: false,
    createdAt: DAY,
    lastUsedAt: null,
    expiresAt: null,
  };
}

/** A membership of the project, or of a group by its way from the root. */
function member(level: number, of: readonly number[] | "project" = "project"): Membership {
  return of === "project"
    ? { namespaceId: null, projectId: PROJECT, traversalIds: GROUP.traversalIds, accessLevel: level }
    : { namespaceId: of.at(-1) ?? null, projectId: null, traversalIds: of, accessLevel: level };
}

interface Who {
  readonly is?: Partial<User>;
  readonly memberships?: readonly Membership[];
  readonly scopes?: readonly TokenScope[];
}

function somebody({ is = {}, memberships = [], scopes }: Who = {}): Principal {
  return {
    kind: "user",
    user: user(is),
    memberships,
    token: scopes === undefined ? null : tokenOf(scopes),
  };
}

function deployKey(projectId: number, canPush: boolean): Principal {
  const key: DeployKey = {
    ...{ id: 5, title: "k", key: "ssh-ed25519 AAAA", fingerprintSha256: "SHA256:x", fingerprintMd5: "00" },
    ...{ createdAt: DAY, expiresAt: null, lastUsedAt: null, createdBy: 99 },
    projects: [{ projectId, canPush }],
  };
  return { kind: "deploy-key", key };
}

const anonymous: Principal = { kind: "anonymous" };
const { guest, reporter, developer, maintainer, owner } = ACCESS_LEVELS;
const ROLES = { guest, reporter, developer, maintainer, owner };
const admin = { isAdmin: true };
const tokenBot = { isTokenBot: true };

const WHO: Readonly<Record<string, Principal>> = {
  anonymous,
  stranger: somebody(),
  ...Object.fromEntries(
    Object.entries(ROLES).map(([role, level]) => [role, somebody({ memberships: [member(level)] })]),
  ),
  "guest of the group": somebody({ memberships: [member(guest, [TOP, MIDDLE, HOME])] }),
  "developer of the group at the top": somebody({ memberships: [member(developer, [TOP])] }),
  "guest here, maintainer above": somebody({
    memberships: [member(guest), member(maintainer, [TOP, MIDDLE])],
  }),
  "maintainer here, guest above": somebody({
    memberships: [member(maintainer), member(guest, [TOP, MIDDLE])],
  }),
  "owner of a group elsewhere": somebody({ memberships: [member(owner, [ELSEWHERE])] }),
  "owner of a group below a sister": somebody({ memberships: [member(owner, [TOP, MIDDLE, 13])] }),
  "owner of another project": somebody({
    memberships: [{ ...member(owner), projectId: OTHER_PROJECT }],
  }),
  admin: somebody({ is: admin }),
  "admin, token with api": somebody({ is: admin, scopes: ["api"] }),
  "admin, token with api, admin_mode": somebody({ is: admin, scopes: ["api", "admin_mode"] }),
  "admin, token with admin_mode, sudo": somebody({ is: admin, scopes: ["admin_mode", "sudo"] }),
  "admin and developer, token with api": somebody({
    ...{ is: admin, memberships: [member(developer)], scopes: ["api"] },
  }),
  "owner, token with api": somebody({ memberships: [member(owner)], scopes: ["api"] }),
  "owner, token with read_api": somebody({ memberships: [member(owner)], scopes: ["read_api"] }),
  "owner, token with read_repository": somebody({
    memberships: [member(owner)],
    scopes: ["read_repository"],
  }),
  "owner, token with write_repository": somebody({
    ...{ memberships: [member(owner)], scopes: ["write_repository"] },
  }),
  "owner, token with no scope": somebody({ memberships: [member(owner)], scopes: [] }),
  "developer, token with api": somebody({ memberships: [member(developer)], scopes: ["api"] }),
  "stranger, token with api": somebody({ scopes: ["api"] }),
  "stranger, token with write_repository": somebody({ scopes: ["write_repository"] }),
  "token bot, maintainer, api": somebody({
    ...{ is: tokenBot, memberships: [member(maintainer)], scopes: ["api"] },
  }),
  "token bot, reporter, read_repository": somebody({
    ...{ is: tokenBot, memberships: [member(reporter)], scopes: ["read_repository"] },
  }),
  "token bot of another project": somebody({
    ...{ is: tokenBot, memberships: [{ ...member(owner), projectId: OTHER_PROJECT }], scopes: ["api"] },
  }),
  "mirror bot": somebody({ is: { botOfProjectId: PROJECT } }),
  "deploy key": deployKey(PROJECT, false),
  "deploy key that may push": deployKey(PROJECT, true),
  "deploy key of another project": deployKey(OTHER_PROJECT, true),
};

const ON_A_PROJECT = `
  who                                    private   internal  public
  anonymous                              ----------  ----------  PRC-------
  stranger                               ----------  PRC-------  PRC-------
  guest                                  P---------  PRC-------  PRC-------
  reporter                               PRC-------  PRC-------  PRC-------
  developer                              PRCW------  PRCW------  PRCW------
  maintainer                             PRCWmMhHA-  PRCWmMhHA-  PRCWmMhHA-
  owner                                  PRCWmMhHAO  PRCWmMhHAO  PRCWmMhHAO
  guest of the group                     P---------  PRC-------  PRC-------
  developer of the group at the top      PRCW------  PRCW------  PRCW------
  guest here, maintainer above           PRCWmMhHA-  PRCWmMhHA-  PRCWmMhHA-
  maintainer here, guest above           PRCWmMhHA-  PRCWmMhHA-  PRCWmMhHA-
  owner of a group elsewhere             ----------  PRC-------  PRC-------
  owner of a group below a sister        ----------  PRC-------  PRC-------
  owner of another project               ----------  PRC-------  PRC-------
  admin                                  PRCWmMhHAO  PRCWmMhHAO  PRCWmMhHAO
  admin, token with api                  ----------  PRC-------  PRC-------
  admin, token with api, admin_mode      PRCWmMhHAO  PRCWmMhHAO  PRCWmMhHAO
  admin, token with admin_mode, sudo     ----------  ----------  ----------
  admin and developer, token with api    PRCW------  PRCW------  PRCW------
  owner, token with api                  PRCWmMhHAO  PRCWmMhHAO  PRCWmMhHAO
  owner, token with read_api             P-C-m-h---  P-C-m-h---  P-C-m-h---
  owner, token with read_repository      -RC-------  -RC-------  -RC-------
  owner, token with write_repository     -R-W------  -R-W------  -R-W------
  owner, token with no scope             ----------  ----------  ----------
  developer, token with api              PRCW------  PRCW------  PRCW------
  stranger, token with api               ----------  PRC-------  PRC-------
  stranger, token with write_repository  ----------  -R--------  -R--------
  token bot, maintainer, api             PRCWmMhHA-  PRCWmMhHA-  PRCWmMhHA-
  token bot, reporter, read_repository   -RC-------  -RC-------  -RC-------
  token bot of another project           ----------  ----------  PRC-------
  mirror bot                             ----------  ----------  PRC-------
  deploy key                             -R--------  -R--------  -R--------
  deploy key that may push               -R-W------  -R-W------  -R-W------
  deploy key of another project          ----------  ----------  ----------`;

/** Of the group `top/middle/home`. */
const ON_A_GROUP = `
  who                                    private   internal  public
  anonymous                              --------  --------  N-------
  stranger                               --------  N-------  N-------
  guest of the group                     N-------  N-------  N-------
  reporter of the group                  N-------  N-------  N-------
  developer of the group                 NP------  NP------  NP------
  maintainer of the group                NPTS-ru-  NPTS-ru-  NPTS-ru-
  owner of the group                     NPTSAruc  NPTSAruc  NPTSAruc
  developer of the group at the top      NP------  NP------  NP------
  guest here, owner above                NPTSAruc  NPTSAruc  NPTSAruc
  owner of a group elsewhere             --------  N-------  N-------
  owner of a group below a sister        --------  N-------  N-------
  owner of a group below                 N-------  N-------  N-------
  guest                                  N-------  N-------  N-------
  owner                                  N-------  N-------  N-------
  admin                                  NPTSAruc  NPTSAruc  NPTSAruc
  admin, token with api                  --------  N-------  N-------
  admin, token with api, admin_mode      NPTSAruc  NPTSAruc  NPTSAruc
  owner of the group, read_api           N----r--  N----r--  N----r--
  owner of the group, api                NPTSAruc  NPTSAruc  NPTSAruc
  owner of the group, write_repository   --------  --------  --------
  token bot of the group, maintainer     NPTS-ru-  NPTS-ru-  NPTS-ru-
  token bot of another project there     N-------  N-------  N-------
  mirror bot                             --------  --------  N-------
  deploy key that may push               --------  --------  --------`;

const IN_THE_GROUP: Readonly<Record<string, Principal>> = {
  ...WHO,
  ...Object.fromEntries(
    Object.entries(ROLES).map(([role, level]) => [
      `${role} of the group`,
      somebody({ memberships: [member(level, GROUP.traversalIds)] }),
    ]),
  ),
  "guest here, owner above": somebody({
    memberships: [member(guest, GROUP.traversalIds), member(owner, [TOP])],
  }),
  "owner of a group below": somebody({ memberships: [member(owner, [TOP, MIDDLE, HOME, 14])] }),
  "owner of the group, read_api": somebody({
    ...{ memberships: [member(owner, GROUP.traversalIds)], scopes: ["read_api"] },
  }),
  "owner of the group, api": somebody({ memberships: [member(owner, GROUP.traversalIds)], scopes: ["api"] }),
  "owner of the group, write_repository": somebody({
    ...{ memberships: [member(owner, GROUP.traversalIds)], scopes: ["write_repository"] },
  }),
  "token bot of another project there": principalOf("token bot of another project", WHO),
  "token bot of the group, maintainer": somebody({
    ...{ is: tokenBot, memberships: [member(maintainer, GROUP.traversalIds)], scopes: ["api"] },
  }),
};

/** Who of a table, with what is allowed by visibility. */
function rowsOf(table: string): readonly (readonly [who: string, cells: Record<Visibility, string>])[] {
  return table
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [who = "", ...cells] = line.trim().split(/ {2,}/);
      const [priv = "", internal = "", pub = ""] = cells;
      return [who, { private: priv, internal, public: pub }] as const;
    });
}

function principalOf(who: string, all: Readonly<Record<string, Principal>>): Principal {
  const principal = all[who];
  assert(principal, `nobody is called ${who}`);
  return principal;
}

function allowedOn(principal: Principal, on: Project): string {
  return Object.entries(PROJECT_ACTIONS)
    .map(([action, letter]) => (may(principal, action as ProjectAction, on) ? letter : "-"))
    .join("");
}

function allowedIn(principal: Principal, namespace: Namespace): string {
  return Object.entries(NAMESPACE_ACTIONS)
    .map(([action, letter]) => (mayIn(principal, action as NamespaceAction, namespace) ? letter : "-"))
    .join("");
}

function blocked(principal: Principal): Principal {
  return principal.kind === "user"
    ? { ...principal, user: { ...principal.user, state: "blocked" } }
    : principal;
}

describe("what may be done with a project", () => {
  it("has a row for everybody", () => {
    assert.deepEqual(
      rowsOf(ON_A_PROJECT)
        .map(([who]) => who)
        .sort(),
      Object.keys(WHO).sort(),
    );
  });

  for (const [who, cells] of rowsOf(ON_A_PROJECT)) {
    it(who, () => {
      const principal = principalOf(who, WHO);
      for (const visibility of VISIBILITIES) {
        const cell = cells[visibility];
        assert.equal(allowedOn(principal, project({ visibility })), cell, visibility);
        // Archived: nobody pushes, and nothing else changes.
        const archived = project({ visibility, archived: true });
        assert.equal(allowedOn(principal, archived), cell.replace("W", "-"), `${visibility}, archived`);
        if (principal.kind !== "user") continue;
        for (const on of [project({ visibility }), archived]) {
          assert.equal(allowedOn(blocked(principal), on), "----------", `${visibility}, blocked`);
        }
      }
    });
  }
});

describe("what may be done with a group", () => {
  for (const [who, cells] of rowsOf(ON_A_GROUP)) {
    it(who, () => {
      const principal = principalOf(who, IN_THE_GROUP);
      for (const visibility of VISIBILITIES) {
        assert.equal(allowedIn(principal, { ...GROUP, visibility }), cells[visibility], visibility);
        if (principal.kind !== "user") continue;
        assert.equal(allowedIn(blocked(principal), { ...GROUP, visibility }), "--------", "blocked");
      }
    });
  }
});

describe("the own namespace of a user", () => {
  const own: Namespace = {
    ...GROUP,
    ...{ id: 30, kind: "user", ownerId: 99, traversalIds: [30], parentId: null, visibility: null },
  };
  const mine = project({ namespace: own });
  const homeGuest = { ...member(guest), traversalIds: [30] };
  const other = { id: 98 };
  const rows: readonly [who: string, principal: Principal, inIt: string, onIts: string][] = [
    ["anonymous", anonymous, "--------", "----------"],
    ["its user", somebody(), "NPTSAruc", "PRCWmMhHAO"],
    ["its user, api", somebody({ scopes: ["api"] }), "NPTSAruc", "PRCWmMhHAO"],
    ["its user, read_api", somebody({ scopes: ["read_api"] }), "N----r--", "P-C-m-h---"],
    ["its user, blocked", blocked(somebody()), "--------", "----------"],
    ["somebody else", somebody({ is: other }), "--------", "----------"],
    [
      "a guest of a project there",
      somebody({ is: other, memberships: [homeGuest] }),
      "N-------",
      "P---------",
    ],
    ["an admin", somebody({ is: { ...other, ...admin } }), "NPTSAruc", "PRCWmMhHAO"],
    ["a deploy key", deployKey(PROJECT, true), "--------", "-R-W------"],
  ];
  for (const [who, principal, inIt, onIts] of rows) {
    it(`${who}: ${inIt} in it, ${onIts} on a private project there`, () => {
      assert.equal(allowedIn(principal, own), inIt);
      assert.equal(allowedOn(principal, mine), onIts);
    });
  }

  it("is what counts, not the column of a group's row", () => {
    assert.equal(namespaceLevel(somebody(), { ...GROUP, ownerId: 99 }), 0);
  });

  it("makes its user an owner by the project, not by a group", () => {
    assert.deepEqual(rolesIn(somebody(), mine), { project: 50, group: null });
    assert.deepEqual(rolesIn(somebody({ is: other, memberships: [homeGuest] }), mine), {
      project: 10,
      group: null,
    });
  });
});

describe("levels", () => {
  it("are the highest of what somebody is by the project and the groups above", () => {
    const many = [member(reporter), member(guest, [TOP]), member(developer, [TOP, MIDDLE])];
    assert.equal(accessLevel(somebody({ memberships: many }), project()), developer);
    assert.equal(namespaceLevel(somebody({ memberships: many }), GROUP), developer);
    assert.deepEqual(rolesIn(somebody({ memberships: many }), project()), {
      project: reporter,
      group: developer,
    });
  });

  it("of an admin are an owner's, who need not be a member", () => {
    assert.equal(accessLevel(somebody({ is: admin }), project()), owner);
    assert.deepEqual(rolesIn(somebody({ is: admin }), project()), { project: null, group: null });
    assert.equal(levelOfUser({ user: user(admin), memberships: [] }, project()), owner);
    assert.equal(levelOfUser({ user: user({ ...admin, state: "blocked" }), memberships: [] }, project()), 0);
  });

  it("do not depend on the scopes of a token, but for admins", () => {
    assert.equal(accessLevel(somebody({ memberships: [member(owner)], scopes: [] }), project()), owner);
    assert.equal(accessLevel(somebody({ is: admin, scopes: ["api"] }), project()), 0);
  });

  it("of nobody and of keys are none", () => {
    assert.equal(accessLevel(anonymous, project({ visibility: "public" })), 0);
    assert.equal(accessLevel(deployKey(PROJECT, true), project()), 0);
  });
});

describe("giving roles", () => {
  const rows: readonly [who: string, principal: Principal, highest: number][] = [
    ["anonymous", anonymous, 0],
    ["developer", somebody({ memberships: [member(developer)] }), 0],
    ["maintainer", somebody({ memberships: [member(maintainer)] }), maintainer],
    ["maintainer, read_api", somebody({ memberships: [member(maintainer)], scopes: ["read_api"] }), 0],
    ["owner of the group", somebody({ memberships: [member(owner, [TOP])] }), owner],
    ["admin", somebody({ is: admin }), owner],
    ["admin, api", somebody({ is: admin, scopes: ["api"] }), 0],
    ["deploy key", deployKey(PROJECT, true), 0],
  ];
  for (const [who, principal, highest] of rows) {
    it(`${who}: up to ${highest}`, () => {
      for (const level of Object.values(ROLES)) {
        assert.equal(mayGiveRole(principal, level, project()), level <= highest, String(level));
      }
    });
  }
});

describe("admins and what is internal", () => {
  it("an admin acts as one by signing in, or with admin_mode", () => {
    assert(actsAsAdmin(somebody({ is: admin })));
    assert(actsAsAdmin(somebody({ is: admin, scopes: ["api", "admin_mode"] })));
    assert(!actsAsAdmin(somebody({ is: admin, scopes: ["api", "sudo"] })));
    assert(!actsAsAdmin(somebody({ scopes: ["api", "admin_mode"] })));
    assert(!actsAsAdmin(blocked(somebody({ is: admin }))));
    assert(!actsAsAdmin(anonymous));
  });

  it("mirrors are for all, or for admins alone", () => {
    assert(mayMirror(somebody(), { mirrorAvailable: true }));
    assert(!mayMirror(somebody(), { mirrorAvailable: false }));
    assert(mayMirror(somebody({ is: admin }), { mirrorAvailable: false }));
    assert(!mayMirror(somebody({ is: admin, scopes: ["api"] }), { mirrorAvailable: false }));
  });

  it("people see what is internal, bots do not", () => {
    assert(seesInternal({ user: user() }));
    assert(!seesInternal({ user: user(tokenBot) }));
    assert(!seesInternal({ user: user({ botOfProjectId: 1 }) }));
  });
});

describe("for every combination", () => {
  const level = fc.constantFrom(0, ...Object.values(ROLES));
  const where = fc.constantFrom("project" as const, [TOP], [TOP, MIDDLE], [TOP, MIDDLE, HOME], [ELSEWHERE]);
  const scopes = fc.option(fc.subarray([...TOKEN_SCOPES]), { nil: undefined });
  const circumstances = fc.record({
    visibility: fc.constantFrom(...VISIBILITIES),
    groupVisibility: fc.constantFrom(...VISIBILITIES),
    archived: fc.boolean(),
    isAdmin: fc.boolean(),
    isTokenBot: fc.boolean(),
    scopes,
    place: where,
    others: fc.array(fc.tuple(level, where), { maxLength: 3 }),
  });
  type Circumstances = typeof circumstances extends fc.Arbitrary<infer T> ? T : never;

  function allowed(all: Circumstances, ownLevel: number, state: User["state"] = "active"): readonly string[] {
    const { visibility, groupVisibility, archived, isAdmin, isTokenBot, place, others } = all;
    const memberships = [[ownLevel, place] as const, ...others].flatMap(([of, at]) =>
      of === 0 ? [] : [member(of, at)],
    );
    const is = { isAdmin, isTokenBot, state };
    const given = all.scopes === undefined ? {} : { scopes: all.scopes };
    const principal = somebody({ is, memberships, ...given });
    const on = project({ visibility, archived });
    const group = { ...GROUP, visibility: groupVisibility };
    return [
      ...Object.keys(PROJECT_ACTIONS).filter((action) => may(principal, action as ProjectAction, on)),
      ...Object.keys(NAMESPACE_ACTIONS).filter((action) =>
        mayIn(principal, action as NamespaceAction, group),
      ),
    ];
  }

  it("a higher role never may less", () => {
    fc.assert(
      fc.property(circumstances, level, level, (all, one, other) => {
        const less = allowed(all, Math.min(one, other));
        const more = new Set(allowed(all, Math.max(one, other)));
        assert.deepEqual(
          less.filter((action) => !more.has(action)),
          [],
        );
      }),
    );
  });

  it("fewer scopes never may more", () => {
    fc.assert(
      fc.property(circumstances, level, fc.constantFrom(...TOKEN_SCOPES), (all, own, taken) => {
        const fewer = (all.scopes ?? TOKEN_SCOPES).filter((scope) => scope !== taken);
        const more = new Set(allowed(all, own));
        assert.deepEqual(
          allowed({ ...all, scopes: fewer }, own).filter((action) => !more.has(action)),
          [],
        );
      }),
    );
  });

  it("whoever is blocked may nothing", () => {
    fc.assert(
      fc.property(circumstances, level, (all, own) => {
        assert.deepEqual(allowed(all, own, "blocked"), []);
      }),
    );
  });

  it("whoever may do more with a project may see it", () => {
    fc.assert(
      fc.property(circumstances, level, (all, own) => {
        const session = allowed({ ...all, scopes: undefined }, own);
        if (session.includes("write-repository")) assert(session.includes("read-repository"));
        if (session.includes("read-repository")) assert(session.includes("read-project"));
        if (session.includes("own-project")) assert(session.includes("admin-project"));
      }),
    );
  });
});
