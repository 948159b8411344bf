import { HeliostatError } from "../../domain/errors.ts";
import type { Principal, User } from "../../domain/user.ts";
import { requireAdmin, requireSignedIn } from "../access.ts";
import { auditedUser } from "../audit/entities.ts";
import { type MirrorUserPorts, replaceMirrorUser } from "../mirrors/mirror-user-gone.ts";
import { PATH_MESSAGE, PATH_PATTERN, RESERVED_TOP_LEVEL } from "../path-rules.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { UseCases } from "../use-cases.ts";

type UserUseCases = Pick<
  UseCases,
  "listUsers" | "findUser" | "createUser" | "blockUser" | "unblockUser" | "removeUser"
>;

const SHORTEST_PASSWORD = 8;

const DONE = { block: "blocked", unblock: "unblocked", remove: "removed" } as const;

export function userUseCases(
  ports: MirrorUserPorts & Pick<Ports, "audit" | "passwords" | "namespaces">,
): UserUseCases {
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
    if (user.botOfProjectId !== null) {
      throw new HeliostatError("forbidden", `An internal user cannot be ${DONE[verb]}.`);
    }
    return { user, admin };
  }

  return {
    async listUsers(principal, filter, page) {
      requireSignedIn(principal);
      if (filter.username === undefined) {
        return await ports.users.list({ withBots: filter.withBots ?? false }, page);
      }
      const user = await ports.users.findByUsername(filter.username);
      return { items: user && page.page === 1 ? [user] : [], total: user ? 1 : 0 };
    },
    async findUser(principal, id) {
      requireSignedIn(principal);
      const user = await ports.users.find(id);
      if (!user) throw new HeliostatError("not-found", "User Not Found");
      return user;
    },
    async createUser(principal, draft) {
      requireAdmin(principal);
      const fields: Record<string, string[]> = {};
      if (!PATH_PATTERN.test(draft.username)) fields["username"] = [PATH_MESSAGE];
      else if (RESERVED_TOP_LEVEL.has(draft.username.toLowerCase())) {
        fields["username"] = ["is a reserved name"];
      }
      if (!/^[^@\s]+@[^@\s]+$/.test(draft.email)) fields["email"] = ["is invalid"];
      if (draft.password !== null && draft.password.length < SHORTEST_PASSWORD) {
        fields["password"] = [`is too short (minimum is ${SHORTEST_PASSWORD} characters)`];
      }
      if (await ports.namespaces.findByFullPath(draft.username))
        fields["username"] ??= ["has already been taken"];
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
      const details = { is_admin: user.isAdmin };
      await recordAudit(ports, principal, { action: "user-created", entity: auditedUser(user), details });
      return user;
    },
    async blockUser(principal, id) {
      const { user, admin } = await findOther(principal, id, "block");
      if (user.state === "blocked") return;
      await replaceMirrorUser(ports, user, async () => {
        await ports.users.setState(user.id, "blocked");
      });
      await recordAudit(ports, principal, { action: "user-blocked", entity: auditedUser(user) });
      ports.log.info({ username: user.username, by: admin.username }, "user blocked");
    },
    async unblockUser(principal, id) {
      const { user, admin } = await findOther(principal, id, "unblock");
      await ports.users.setState(user.id, "active");
      await recordAudit(ports, principal, { action: "user-unblocked", entity: auditedUser(user) });
      ports.log.info({ username: user.username, by: admin.username }, "user unblocked");
    },
    async removeUser(principal, id) {
      const { user, admin } = await findOther(principal, id, "remove");
      await replaceMirrorUser(ports, user, () => ports.users.remove(user.id));
      await recordAudit(ports, principal, { action: "user-removed", entity: auditedUser(user) });
      ports.log.info({ username: user.username, by: admin.username }, "user removed");
    },
  };
}
