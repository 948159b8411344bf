import { HeliostatError } from "../../domain/errors.ts";
import { actsAsAdmin } from "../../domain/policy.ts";
import { type AccessToken, isBot, type Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { digestToken } from "../accounts/token-digest.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { noteToken, revokeToken, rotateToken } from "./change-token.ts";
import { checkTokenDraft, noLaterThanOwn, refuseMorePower } from "./check-token-draft.ts";
import type { TokenUseCases } from "./token-use-cases.ts";

type PersonalTokenUseCases = Pick<
  TokenUseCases,
  "createAccessToken" | "listAccessTokens" | "findAccessToken" | "revokeAccessToken" | "rotateAccessToken"
>;

type TokenPorts = Pick<
  Ports,
  "tokens" | "users" | "projects" | "namespaces" | "instance" | "clock" | "audit"
>;

/** Tokens of people: one's own, and for admins those of everybody. */
export function personalTokenUseCases(ports: TokenPorts): PersonalTokenUseCases {
  async function findOwn(principal: Principal, id: number): Promise<AccessToken> {
    const token = await ports.tokens.find(id);
    if (!token || !mayManage(principal, token.userId)) throw new HeliostatError("not-found", "Not found");
    return token;
  }

  return {
    async createAccessToken(principal, draft) {
      const { user } = requireSignedIn(principal);
      if (!mayManage(principal, draft.userId)) throw new HeliostatError("forbidden", "Forbidden");
      const owner = await ports.users.find(draft.userId);
      if (!owner) throw new HeliostatError("not-found", "User Not Found");
      if (isBot(owner)) throw new HeliostatError("forbidden", "A bot has no tokens of its own.");
      checkTokenDraft(draft, ports.clock.now(), { forAdmin: owner.isAdmin });
      refuseMorePower(principal, draft.scopes);
      const secret = ports.instance.makeTokenSecret();
      const { name, description, scopes } = draft;
      const expiresAt = noLaterThanOwn(principal, draft.expiresAt);
      const token = await ports.tokens.create({
        ...{ name, description, scopes, expiresAt },
        userId: owner.id,
        digest: digestToken(secret),
        createdBy: user.id,
      });
      await noteToken(ports, principal, "token-created", auditedUser(owner), token, null);
      return { token, secret };
    },
    async listAccessTokens(principal, filter, page) {
      const { user } = requireSignedIn(principal);
      const isOpen = actsAsAdmin(principal) || (filter.userId ?? user.id) === user.id;
      if (!isOpen) throw new HeliostatError("forbidden", "Forbidden");
      const wanted = actsAsAdmin(principal) ? filter : { ...filter, userId: user.id };
      return await ports.tokens.list(wanted, page, ports.clock.now());
    },
    findAccessToken: findOwn,
    async revokeAccessToken(principal, id) {
      await revokeToken(ports, principal, await findOwn(principal, id));
    },
    async rotateAccessToken(principal, id, rotation) {
      const { token, secret } = await rotateToken(ports, principal, await findOwn(principal, id), rotation);
      return { token, secret };
    },
  };
}

function mayManage(principal: Principal, userId: number): boolean {
  return principal.kind === "user" && (principal.user.id === userId || actsAsAdmin(principal));
}
