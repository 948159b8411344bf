import type { ResourceToken, TriggerToken } from "../../../app/ports.ts";
import type { TokenUseCases } from "../../../app/tokens/token-use-cases.ts";
import type { TriggerTokenUseCases } from "../../../app/tokens/trigger-token-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { TOKEN_PREFIXES } from "../../../domain/token-prefixes.ts";
import type { AccessToken } from "../../../domain/user.ts";
import { type Memory, paged, requireAdmin } from "./memory.ts";
import { EPOCH, ROOT, tokenOf } from "./people.ts";

/**
 * The tokens with which people come in, made by admins; and those of one project, group or mirror, whichever is asked
 * for, with which everybody may do everything.
 */
export function tokensInMemory({ tokens, nextId }: Memory): TokenUseCases & TriggerTokenUseCases {
  const made = new Map<number, ResourceToken>();
  const triggers: TriggerToken[] = [];

  function find(id: number | "self"): ResourceToken {
    const found = id === "self" ? [...made.values()].at(-1) : made.get(id);
    if (!found) throw new HeliostatError("not-found", "Not found");
    return found;
  }

  return {
    createAccessToken: async (principal, draft) => {
      requireAdmin(principal);
      const token: AccessToken = { ...tokenOf(ROOT, nextId(), draft.scopes), ...draft };
      tokens.set(`secret-${token.id}`, { kind: "user", user: ROOT, memberships: [], token });
      return { token, secret: `secret-${token.id}` };
    },
    listAccessTokens: async (_principal, _filter, page) =>
      paged(
        [...tokens.values()].flatMap(({ token }) => token ?? []),
        page,
      ),
    findAccessToken: async (_principal, id) => {
      const owner = [...tokens.values()].find(({ token }) => token?.id === id);
      if (!owner?.token) throw new HeliostatError("not-found", "Not found");
      return owner.token;
    },
    revokeAccessToken: async (_principal, id) => {
      for (const [secret, { token }] of tokens) if (token?.id === id) tokens.delete(secret);
    },
    rotateAccessToken: async (_principal, id) => {
      const [secret, owner] = [...tokens].find(([, { token }]) => token?.id === id) ?? [];
      if (!secret || !owner?.token) throw new HeliostatError("not-found", "Not found");
      tokens.delete(secret);
      const token = { ...owner.token, id: nextId() };
      tokens.set(`secret-${token.id}`, { ...owner, token });
      return { token, secret: `secret-${token.id}` };
    },
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
        return { kind: "started", start: { status: "queued", nextUpdateAt: EPOCH } };
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
