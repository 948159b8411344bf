import { HeliostatError } from "../../domain/errors.ts";
import { requireAdmin, requireSignedIn } from "../access.ts";
import { PATH_MESSAGE, PATH_PATTERN, RESERVED_TOP_LEVEL } from "../path-rules.ts";
import type { Ports } from "../ports.ts";
import type { UseCases } from "../use-cases.ts";

type UserUseCases = Pick<UseCases, "listUsers" | "findUser" | "createUser">;

const SHORTEST_PASSWORD = 8;

export function userUseCases(ports: Pick<Ports, "users" | "passwords" | "namespaces">): UserUseCases {
  return {
    async listUsers(principal, filter, page) {
      requireSignedIn(principal);
      if (filter.username === undefined) return await ports.users.list(page);
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
      return await ports.users.create({
        username: draft.username,
        name: draft.name,
        email: draft.email,
        isAdmin: draft.isAdmin,
        passwordHash: draft.password === null ? null : await ports.passwords.hash(draft.password),
      });
    },
  };
}
