import type { ResourceToken, TriggerToken } from "../../app/ports.ts";
import type { TokenUseCases } from "../../app/tokens/token-use-cases.ts";
import type { TriggerTokenUseCases } from "../../app/tokens/trigger-token-use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { TOKEN_PREFIXES } from "../../domain/token-prefixes.ts";

const EPOCH = new Date("2026-01-02T03:04:05.678Z");

type TokensInMemory = TriggerTokenUseCases &
  Pick<
    TokenUseCases,
    | "createResourceToken"
    | "listResourceTokens"
    | "findResourceToken"
    | "revokeResourceToken"
    | "rotateResourceToken"
  >;

/** The tokens of one project, group or mirror, whichever is asked for; everybody may do everything. */
export function createTokensInMemory(nextId: () => number): TokensInMemory {
  const made = new Map<number, ResourceToken>();
  const triggers: TriggerToken[] = [];

  function find(id: number | "self"): ResourceToken {
    const found = id === "self" ? [...made.values()].at(-1) : made.get(id);
    if (!found) throw new HeliostatError("not-found", "Not found");
    return found;
  }

  return {
    listTriggerTokens: async () => triggers,
    createTriggerToken: async (_principal, _project, mirrorId, name) => {
      const token = { id: nextId(), mirrorId, name, createdBy: 1, createdAt: EPOCH, lastUsedAt: null };
      triggers.push(token);
      return { token, secret: `${TOKEN_PREFIXES.trigger}${token.id}` };
    },
    removeTriggerToken: async (_principal, _project, _mirrorId, id) => {
      triggers.splice(
        triggers.findIndex((token) => token.id === id),
        1,
      );
    },
    triggerMirror: async (secret) => {
      if (triggers.some(({ id }) => secret === `${TOKEN_PREFIXES.trigger}${id}`)) {
        return { status: "queued", nextUpdateAt: EPOCH };
      }
      throw new HeliostatError("not-found", "Not Found");
    },
    async createResourceToken(_principal, place, { accessLevel, ...draft }) {
      const id = nextId();
      const token = {
        ...draft,
        id,
        userId: nextId(),
        projectId: "project" in place ? 1 : null,
        namespaceId: "project" in place ? null : 5,
        revoked: false,
        createdAt: EPOCH,
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
