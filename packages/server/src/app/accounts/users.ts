import { changedValues } from "../../domain/changed-values.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { passwordComplaints } from "../../domain/password-rules.ts";
import { actsAsAdmin } from "../../domain/policy.ts";
import { isBot, type Principal, type User } from "../../domain/user.ts";
import { findVisibleUser, requireAdmin, requireSignedIn } from "../access.ts";
import { auditedUser } from "../audit/entities.ts";
import { type MirrorUserPorts, replaceMirrorUser, watchMirrorsOf } from "../mirrors/mirror-user-gone.ts";
import { PATH_MESSAGE, PATH_PATTERN, RESERVED_TOP_LEVEL } from "../path-rules.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { UseCases } from "../use-cases.ts";

type UserUseCases = Pick<
  UseCases,
  "listUsers" | "findUser" | "createUser" | "updateUser" | "blockUser" | "unblockUser" | "removeUser"
>;

const DONE = { block: "blocked", unblock: "unblocked", remove: "removed" } as const;

/** For lists, in which one who is not to be known of is none. */
function noneIfNotFound(error: unknown): null {
  if (error instanceof HeliostatError && error.code === "not-found") return null;
  throw error;
}

type UserPorts = MirrorUserPorts & Pick<Ports, "audit" | "passwords" | "namespaces" | "sessions">;

/** The accounts of people: everybody signed in may look, admins change. */
export function userUseCases(ports: UserPorts): UserUseCases {
  async function note(
    principal: Principal,
    action: string,
    user: User,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await recordAudit(ports, principal, { action, entity: auditedUser(user), details });
  }

  /** What is wrong with a user name and an address, by field; `of`: whose they are to be, null for a new user. */
  async function complaintsAbout(
    { username, email }: { readonly username?: string; readonly email?: string },
    of: User | null,
  ): Promise<Record<string, string[]>> {
    const fields: Record<string, string[]> = {};
    if (username !== undefined && username !== of?.username) {
      if (!PATH_PATTERN.test(username)) fields["username"] = [PATH_MESSAGE];
      else if (RESERVED_TOP_LEVEL.has(username.toLowerCase())) fields["username"] = ["is a reserved name"];
      else {
        const namespace = await ports.namespaces.findByFullPath(username);
        if (namespace && (of === null || namespace.ownerId !== of.id)) {
          fields["username"] = ["has already been taken"];
        }
      }
    }
    if (email !== undefined && !/^[^@\s]+@[^@\s]+$/.test(email)) fields["email"] = ["is invalid"];
    return fields;
  }

  /** The user that an admin wants to deal with; not the admin, nor the own identity of a project. */
  async function findOther(
    principal: Principal,
    id: number,
    verb: keyof typeof DONE,
  ): Promise<{ user: User; admin: User }> {
    const admin = requireAdmin(principal);
    const user = await ports.users.find(id);
    if (!user) throw new HeliostatError("not-found", "User Not Found");
    if (user.id === admin.id) throw new HeliostatError("forbidden", `You cannot ${verb} yourself.`);
    if (isBot(user)) {
      throw new HeliostatError("forbidden", `An internal user cannot be ${DONE[verb]}.`);
    }
    return { user, admin };
  }

  return {
    async listUsers(principal, filter, window) {
      requireSignedIn(principal);
      const { username, withBots = false, ...rest } = filter;
      if (username === undefined) {
        const isAdmin = actsAsAdmin(principal);
        return await ports.users.list({ ...rest, withBots: withBots && isAdmin, byEmail: isAdmin }, window);
      }
      const user = await findVisibleUser(ports, principal, username).catch(noneIfNotFound);
      const isFirst = "page" in window ? window.page === 1 : window.cursor === null;
      return { items: user && isFirst ? [user] : [], total: user ? 1 : 0, next: null };
    },
    async findUser(principal, id) {
      return await findVisibleUser(ports, principal, id);
    },
    async createUser(principal, draft) {
      requireAdmin(principal);
      const fields = await complaintsAbout(draft, null);
      const complaints = draft.password === null ? [] : passwordComplaints(draft.password, draft);
      if (complaints.length > 0) fields["password"] = [...complaints];
      if (Object.keys(fields).length > 0) {
        throw new HeliostatError("model-invalid", "the user is not valid", { fields });
      }
      const user = await ports.users.create({
        username: draft.username,
        name: draft.name,
        email: draft.email,
        isAdmin: draft.isAdmin,
        passwordHash: draft.password === null ? null : await ports.passwords.hash(draft.password),
      });
      await note(principal, "user-created", user, { email: user.email, admin: user.isAdmin });
      return user;
    },
    async updateUser(principal, id, changes) {
      const admin = requireAdmin(principal);
      const before = await ports.users.find(id);
      if (!before) throw new HeliostatError("not-found", "User Not Found");
      if (isBot(before)) throw new HeliostatError("forbidden", "An internal user cannot be changed.");
      if (before.id === admin.id && changes.isAdmin === false) {
        throw new HeliostatError(
          "forbidden",
          "You cannot take your own rights of an admin: another one has to.",
        );
      }
      const fields = await complaintsAbout(changes, before);
      if (changes.name !== undefined && changes.name.trim() === "") fields["name"] = ["can't be blank"];
      if (Object.keys(fields).length > 0) {
        throw new HeliostatError("model-invalid", "the user is not valid", { fields });
      }
      let after = before;
      // Who is no admin any more acts only where they are a maintainer.
      await watchMirrorsOf(ports, before, async () => {
        after = await ports.users.update(id, changes);
      });
      const changed = changedValues(factsOf(before), factsOf(after));
      if (Object.keys(changed).length > 0) await note(principal, "user-changed", after, { changes: changed });
      return after;
    },
    async blockUser(principal, id) {
      const { user, admin } = await findOther(principal, id, "block");
      if (user.state === "blocked") return;
      await replaceMirrorUser(ports, user, async () => {
        await ports.users.setState(user.id, "blocked");
      });
      // Unblocked, they sign in anew.
      await ports.sessions.endAllOf(user.id, null);
      ports.log.info({ username: user.username, by: admin.username }, "user blocked");
      await note(principal, "user-blocked", user);
    },
    async unblockUser(principal, id) {
      const { user, admin } = await findOther(principal, id, "unblock");
      await ports.users.setState(user.id, "active");
      ports.log.info({ username: user.username, by: admin.username }, "user unblocked");
      await note(principal, "user-unblocked", user);
    },
    async removeUser(principal, id) {
      const { user, admin } = await findOther(principal, id, "remove");
      await replaceMirrorUser(ports, user, () => ports.users.remove(user.id));
      ports.log.info({ username: user.username, by: admin.username }, "user removed");
      await note(principal, "user-removed", user);
    },
  };
}

function factsOf({ username, name, email, isAdmin }: User) {
  return { username, name, email, isAdmin };
}
