import { HeliostatError } from "../../domain/errors.ts";
import type { AccessToken, Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { UseCases } from "../use-cases.ts";
import { digestToken } from "./token-digest.ts";

type AccessTokenUseCases = Pick<
  UseCases,
  "createAccessToken" | "listAccessTokens" | "findAccessToken" | "revokeAccessToken"
>;

export function accessTokenUseCases(
  ports: Pick<Ports, "tokens" | "users" | "instance" | "clock">,
): AccessTokenUseCases {
  async function findOwn(principal: Principal, id: number): Promise<AccessToken> {
    const token = await ports.tokens.find(id);
    if (!token || !mayManage(principal, token.userId)) throw new HeliostatError("not-found", "Not found");
    return token;
  }

  return {
    async createAccessToken(principal, draft) {
      requireSignedIn(principal);
      if (!mayManage(principal, draft.userId)) throw new HeliostatError("forbidden", "Forbidden");
      const owner = await ports.users.find(draft.userId);
      if (!owner) throw new HeliostatError("not-found", "User Not Found");
      if (owner.botOfProjectId !== null) {
        throw new HeliostatError("forbidden", "Nobody signs in as the own identity of a project.");
      }
      const fields: Record<string, string[]> = {};
      if (draft.name.trim() === "") fields["name"] = ["can't be blank"];
      if (draft.scopes.length === 0) fields["scopes"] = ["can't be blank"];
      if (draft.expiresAt && draft.expiresAt <= ports.clock.now())
        fields["expires_at"] = ["must be in the future"];
      if (Object.keys(fields).length > 0) {
        throw new HeliostatError("model-invalid", "the token is not valid", { fields });
      }
      const secret = ports.instance.makeTokenSecret();
      const token = await ports.tokens.create({
        userId: draft.userId,
        name: draft.name,
        digest: digestToken(secret),
        scopes: draft.scopes,
        expiresAt: draft.expiresAt,
      });
      return { token, secret };
    },
    async listAccessTokens(principal, filter, page) {
      const { user } = requireSignedIn(principal);
      const userId = filter.userId ?? user.id;
      if (!mayManage(principal, userId)) throw new HeliostatError("forbidden", "Forbidden");
      return await ports.tokens.listOf(userId, page);
    },
    findAccessToken: findOwn,
    async revokeAccessToken(principal, id) {
      const token = await findOwn(principal, id);
      await ports.tokens.revoke(token.id);
    },
  };
}

function mayManage(principal: Principal, userId: number): boolean {
  return principal.kind === "user" && (principal.user.isAdmin || principal.user.id === userId);
}
