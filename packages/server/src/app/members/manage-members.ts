import { asHeliostatError, HeliostatError, invalidField } from "../../domain/errors.ts";
import { ACCESS_LEVELS, mayGiveRole, mayIn } from "../../domain/policy.ts";
import type { Namespace, Project } from "../../domain/project.ts";
import { isBot, type Principal, type User } from "../../domain/user.ts";
import { findGroup, findVisibleProject, requireScope, requireSignedIn } from "../access.ts";
import { auditedNamespace, auditedProject } from "../audit/entities.ts";
import { type MirrorUserPorts, watchMirrorsOf } from "../mirrors/mirror-user-gone.ts";
import type { MemberOfSource, MemberSource, Ports, RemovedBelow } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { MemberDraft, MemberPlace, MemberUseCases } from "./member-use-cases.ts";

type MemberPorts = MirrorUserPorts & Pick<Ports, "audit" | "namespaces">;

/** The project or group that a call is about, as far as the rules differ. */
type Place =
  | { readonly kind: "project"; readonly project: Project; readonly source: MemberSource }
  | { readonly kind: "group"; readonly group: Namespace; readonly source: MemberSource };

const ROLE_NAMES: ReadonlyMap<number, string> = new Map([
  [ACCESS_LEVELS.guest, "Guest"],
  [ACCESS_LEVELS.reporter, "Reporter"],
  [ACCESS_LEVELS.developer, "Developer"],
  [ACCESS_LEVELS.maintainer, "Maintainer"],
  [ACCESS_LEVELS.owner, "Owner"],
]);

const ONE = { page: 1, perPage: 1 };

/** Members of projects and groups, by GitLab's rules. */
export function memberUseCases(ports: MemberPorts): MemberUseCases {
  async function add(principal: Principal, place: Place, draft: MemberDraft): Promise<MemberOfSource> {
    const { accessLevel } = draft;
    const { user: giver } = requireSignedIn(principal);
    requireMayGive(principal, place, accessLevel);
    const user =
      typeof draft.user === "number"
        ? await ports.users.find(draft.user)
        : await ports.users.findByUsername(draft.user);
    if (!user) throw new HeliostatError("not-found", "User Not Found");
    if (isBot(user)) throw invalidField("user", "is a bot: only people can be made members");
    if (isNamespaceOwner(place, user.id)) throw new HeliostatError("conflict", "Member already exists");
    await refuseBadRole(place.source, user.id, accessLevel);
    const expiresAt = dayOf(draft.expiresAt);
    await ports.members.add(place.source, { userId: user.id, accessLevel, expiresAt, createdBy: giver.id });
    await note(principal, place, "member-added", user, { access_level: accessLevel, expires_at: expiresAt });
    return await find(place, user.id, false);
  }

  async function find(place: Place, userId: number, withInherited: boolean): Promise<MemberOfSource> {
    const { items } = await ports.members.list(place.source, { withInherited, userIds: [userId] }, ONE);
    const [member] = items;
    if (!member) throw new HeliostatError("not-found", "Not found");
    return member;
  }

  async function findPlace(principal: Principal, { kind, which }: MemberPlace): Promise<Place> {
    if (kind === "group") {
      const group = await findGroup(ports, principal, which);
      return { kind, group, source: { projectId: null, namespace: group } };
    }
    const project = await findVisibleProject(ports, principal, which);
    return { kind, project, source: { projectId: project.id, namespace: project.namespace } };
  }

  async function refuseBadRole(source: MemberSource, userId: number, accessLevel: number): Promise<void> {
    if (!ROLE_NAMES.has(accessLevel)) throw invalidField("access_level", "is not included in the list");
    const inherited = await ports.members.findInherited(source, userId);
    if (inherited === null || inherited.accessLevel <= accessLevel) return;
    const { groupName } = inherited;
    const role = ROLE_NAMES.get(inherited.accessLevel);
    const complaint = `should be greater than or equal to ${role} inherited membership from group ${groupName}`;
    throw invalidField("access_level", complaint);
  }

  /** As stored: a day; refused when it would be over before it begins. */
  function dayOf(expiresAt: Date | null): string | null {
    if (expiresAt === null) return null;
    if (expiresAt <= ports.clock.now()) throw invalidField("expires_at", "must be in the future");
    return expiresAt.toISOString().slice(0, 10);
  }

  async function note(
    principal: Principal,
    place: Place,
    action: string,
    user: User,
    details: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: place.kind === "group" ? auditedNamespace(place.group) : auditedProject(place.project),
      target: { type: "User", id: user.id, details: user.username },
      details,
    });
  }

  /** Each project and subgroup has the loss in its own log, where its owners look; what was inherited is none of theirs. */
  async function noteBelow(
    principal: Principal,
    group: Namespace,
    user: User,
    below: readonly RemovedBelow[],
  ): Promise<void> {
    for (const { kind, id, fullPath, accessLevel } of below) {
      await recordAudit(ports, principal, {
        action: "member-removed",
        entity: { type: kind === "group" ? "Group" : "Project", id, path: fullPath },
        target: { type: "User", id: user.id, details: user.username },
        details: { access_level: accessLevel, removed_from: group.fullPath },
      });
    }
  }

  return {
    async listMembers(principal, which, filter, page) {
      const { source } = await findPlace(principal, which);
      return await ports.members.list(source, filter, page);
    },
    async findMember(principal, which, userId, { withInherited }) {
      return await find(await findPlace(principal, which), userId, withInherited);
    },
    async addMember(principal, which, draft) {
      return await add(principal, await findPlace(principal, which), draft);
    },
    async addMembers(principal, which, drafts) {
      const place = await findPlace(principal, which);
      const errors: Record<string, string> = {};
      for (const draft of drafts) {
        // Who may not give this role at all is told so, not once for each.
        requireMayGive(principal, place, draft.accessLevel);
        try {
          await add(principal, place, draft);
        } catch (error) {
          const { kind, message } = asHeliostatError(error);
          if (kind !== "invalid" && kind !== "conflict" && kind !== "not-found") throw error;
          errors[String(draft.user)] = message;
        }
      }
      return errors;
    },
    async changeMember(principal, which, userId, { accessLevel, expiresAt }) {
      const place = await findPlace(principal, which);
      // Before it is said whether they are one: it is no business of those who may not.
      requireMayGive(principal, place, accessLevel);
      const before = await find(place, userId, false);
      requireMayGive(principal, place, before.accessLevel);
      refuseFixed(place, before.user);
      await refuseBadRole(place.source, userId, accessLevel);
      const day = expiresAt === undefined ? undefined : dayOf(expiresAt);
      await watchMirrorsOf(ports, before.user, async () => {
        await ports.members.change(place.source, userId, {
          accessLevel,
          ...(day === undefined ? {} : { expiresAt: day }),
        });
      });
      const after = await find(place, userId, false);
      await note(principal, place, "member-changed", before.user, {
        access_level: { from: before.accessLevel, to: after.accessLevel },
        expires_at: { from: before.expiresAt, to: after.expiresAt },
      });
      return after;
    },
    async removeMember(principal, which, userId, { alsoBelow }) {
      const { user } = requireSignedIn(principal);
      requireScope(principal, ["api"]);
      const place = await findPlace(principal, which);
      const isLeaving = userId === user.id;
      if (!isLeaving) requireMayGive(principal, place, ACCESS_LEVELS.guest);
      const member = await find(place, userId, false);
      if (!isLeaving) requireMayGive(principal, place, member.accessLevel);
      refuseFixed(place, member.user);
      let below: readonly RemovedBelow[] = [];
      await watchMirrorsOf(ports, member.user, async () => {
        below = await ports.members.remove(place.source, userId, { alsoBelow });
      });
      await note(principal, place, "member-removed", member.user, { access_level: member.accessLevel });
      if (place.kind === "group") await noteBelow(principal, place.group, member.user, below);
    },
  };
}

function requireMayGive(principal: Principal, place: Place, accessLevel: number): void {
  requireSignedIn(principal);
  const may =
    place.kind === "project"
      ? mayGiveRole(principal, accessLevel, place.project)
      : mayIn(principal, "admin-namespace", place.group);
  if (!may) throw new HeliostatError("forbidden", "Forbidden");
}

function isNamespaceOwner({ kind, source }: Place, userId: number): boolean {
  return kind === "project" && source.namespace.ownerId === userId;
}

/** What they are by something else than a membership that could be changed. */
function refuseFixed(place: Place, user: User): void {
  if (isNamespaceOwner(place, user.id)) {
    throw new HeliostatError(
      "forbidden",
      "The project is in the namespace of this user. Move it to another namespace first.",
    );
  }
  if (isBot(user)) {
    throw new HeliostatError("forbidden", "This is what an access token acts as. Revoke the token instead.");
  }
}
