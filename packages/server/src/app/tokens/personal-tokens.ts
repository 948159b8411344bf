import { HeliostatError } from "../../domain/errors.ts";
import { actsAsAdmin } from "../../domain/policy.ts";
import { type AccessToken, isBot, type Principal, type User } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import { digestToken } from "../accounts/token-digest.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import {
  alreadyRevoked,
  checkTokenDraft,
  expiryAfterRotation,
  refuseMorePower,
} from "./check-token-draft.ts";
import type { TokenUseCases } from "./token-use-cases.ts";

type PersonalTokenUseCases = Pick<
  TokenUseCases,
  "createAccessToken" | "listAccessTokens" | "findAccessToken" | "revokeAccessToken" | "rotateAccessToken"
>;

type TokenPorts = Pick<Ports, "tokens" | "users" | "instance" | "clock" | "audit">;

export function personalTokenUseCases(ports: TokenPorts): PersonalTokenUseCases {
  async function findOwn(principal: Principal, id: number): Promise<AccessToken> {
    const token = await ports.tokens.find(id);
    if (!token || !mayManage(principal, token.userId)) throw new HeliostatError("not-found", "Not found");
    return token;
  }

  async function ownerOf(token: AccessToken): Promise<User> {
    const owner = await ports.users.find(token.userId);
    if (!owner) throw new HeliostatError("not-found", "Not found");
    return owner;
  }

  async function note(principal: Principal, action: string, owner: User, token: AccessToken): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: { type: "User", id: owner.id, path: owner.username },
      target: { type: "AccessToken", id: token.id, details: token.name },
      details: { scopes: token.scopes, expires_at: token.expiresAt?.toISOString().slice(0, 10) ?? null },
    });
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
      const { name, description, scopes, expiresAt } = draft;
      const token = await ports.tokens.create({
        ...{ name, description, scopes, expiresAt },
        userId: owner.id,
        digest: digestToken(secret),
        createdBy: user.id,
      });
      await note(principal, "token-created", owner, token);
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
      const token = await findOwn(principal, id);
      await ports.tokens.revoke(token.id);
      await note(principal, "token-revoked", await ownerOf(token), token);
    },
    async rotateAccessToken(principal, id, rotation) {
      const old = await findOwn(principal, id);
      refuseMorePower(principal, old.scopes);
      const secret = ports.instance.makeTokenSecret();
      const token = await ports.tokens.rotate(old.id, {
        digest: digestToken(secret),
        expiresAt: expiryAfterRotation(old, rotation, ports.clock.now()),
      });
      if (token === null) throw alreadyRevoked();
      await note(principal, "token-rotated", await ownerOf(old), token);
      return { token, secret };
    },
  };
}

function mayManage(principal: Principal, userId: number): boolean {
  return principal.kind === "user" && (principal.user.id === userId || actsAsAdmin(principal));
}
