import type { ResourceToken } from "../../app/ports.ts";
import type { TokenUseCases } from "../../app/tokens/token-use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";

type ResourceTokensInMemory = Pick<
  TokenUseCases,
  | "createResourceToken"
  | "listResourceTokens"
  | "findResourceToken"
  | "revokeResourceToken"
  | "rotateResourceToken"
>;

/** The tokens of one project or group, whichever is asked for; everybody may do everything. */
export function createTokensInMemory(nextId: () => number): ResourceTokensInMemory {
  const made = new Map<number, ResourceToken>();

  function find(id: number | "self"): ResourceToken {
    const found = id === "self" ? [...made.values()].at(-1) : made.get(id);
    if (!found) throw new HeliostatError("not-found", "Not found");
    return found;
  }

  return {
    async createResourceToken(_principal, place, { accessLevel, ...draft }) {
      const id = nextId();
      const token = {
        ...draft,
        id,
        userId: nextId(),
        projectId: "project" in place ? 1 : null,
        namespaceId: "project" in place ? null : 5,
        revoked: false,
        createdAt: new Date("2026-01-02T03:04:05.678Z"),
        lastUsedAt: null,
      };
      made.set(id, { token, accessLevel });
      return { token, accessLevel, secret: `secret-${id}` };
    },
    listResourceTokens: async () => ({ items: [...made.values()], total: made.size }),
    findResourceToken: async (_principal, _place, id) => find(id),
    revokeResourceToken: async (_principal, _place, id) => {
      const { token, accessLevel } = find(id);
      made.set(id, { token: { ...token, revoked: true }, accessLevel });
    },
    rotateResourceToken: async (_principal, _place, which) => {
      const { token, accessLevel } = find(which);
      const id = nextId();
      made.set(id, { token: { ...token, id }, accessLevel });
      return { token: { ...token, id }, accessLevel, secret: `secret-${id}` };
    },
  };
}
