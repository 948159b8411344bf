import { requireScope } from "../../../app/access.ts";
import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { User } from "../../../domain/user.ts";
import { type Memory, partOf, requireAdmin } from "./memory.ts";
import { ROOT, SECRETS } from "./people.ts";

/** Who comes in with a token, and users. */
export function accountsInMemory({ users, tokens, nextId }: Memory) {
  return {
    actAs: async (principal, whom) => {
      if (!principal.user.isAdmin) throw new HeliostatError("forbidden", "Must be admin to use sudo");
      requireScope(principal, ["sudo"]);
      const user = users.find(({ id, username }) => username === whom || String(id) === whom);
      if (!user) throw new HeliostatError("not-found", `User with ID or username '${whom}' Not Found`);
      return { ...principal, user };
    },
    authenticateToken: async (secret) => {
      if (secret === SECRETS.blocked)
        throw new HeliostatError("account-blocked", "Your account has been blocked.");
      return tokens.get(secret) ?? null;
    },
    authenticateGit: async ({ username, password }) => tokens.get(password) ?? tokens.get(username) ?? null,
    listUsers: async (_principal, { username }, page) =>
      partOf(
        users.filter((user) => username === undefined || user.username === username),
        page,
      ),
    findUser: async (_principal, id) => {
      const user = users.find((candidate) => candidate.id === id);
      if (user === undefined) throw new HeliostatError("not-found", "User Not Found");
      return user;
    },
    createUser: async (principal, { username, name, email, isAdmin }) => {
      requireAdmin(principal);
      const user: User = { ...ROOT, id: nextId(), username, name, email, isAdmin };
      users.push(user);
      return user;
    },
    updateUser: async (principal, id, changes) => {
      requireAdmin(principal);
      return { ...ROOT, id, ...changes };
    },
    blockUser: async (principal) => requireAdmin(principal),
    unblockUser: async (principal) => requireAdmin(principal),
    removeUser: async (principal) => requireAdmin(principal),
  } satisfies Partial<UseCases>;
}
