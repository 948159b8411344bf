import type { TokenScope } from "@heliostat/contract";
import type { AccessToken, Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { Page, Paged, ResourceToken, TokenFilter } from "../ports.ts";

/**
 * Access tokens. Nobody makes or renews one that can do more than what they came in with themselves: `forbidden`. A
 * secret is known at the one moment at which it is handed out.
 */
export interface TokenUseCases {
  /** For oneself, or as an admin for anybody. */
  createAccessToken(principal: Principal, token: AccessTokenDraft): Promise<CreatedAccessToken>;
  /** The principal's own; an admin's list has everybody's, or those of one user. `forbidden` for those of others. */
  listAccessTokens(principal: Principal, filter: TokenFilter, page: Page): Promise<Paged<AccessToken>>;
  findAccessToken(principal: Principal, id: number): Promise<AccessToken>;
  /** The secret is dead when this resolves. */
  revokeAccessToken(principal: Principal, id: number): Promise<void>;
  /** Another secret, in a token that is otherwise the same; the old one is dead when this resolves. */
  rotateAccessToken(principal: Principal, id: number, rotation: TokenRotation): Promise<CreatedAccessToken>;

  /** For those who may give access to the project or group, like all that follows. */
  listResourceTokens(
    principal: Principal,
    place: TokenPlace,
    filter: Omit<TokenFilter, "userId">,
    page: Page,
  ): Promise<Paged<ResourceToken>>;
  findResourceToken(principal: Principal, place: TokenPlace, id: number): Promise<ResourceToken>;
  /** With a bot that is a member of the project or group, and of nothing else. */
  createResourceToken(
    principal: Principal,
    place: TokenPlace,
    token: ResourceTokenDraft,
  ): Promise<CreatedResourceToken>;
  /** Its bot is no member any more. */
  revokeResourceToken(principal: Principal, place: TokenPlace, id: number): Promise<void>;
  /** `self`: the token of this place that is used to ask, whatever its role. */
  rotateResourceToken(
    principal: Principal,
    place: TokenPlace,
    id: number | "self",
    rotation: TokenRotation,
  ): Promise<CreatedResourceToken>;
}

/** What a token of a resource is for. */
export type TokenPlace = { readonly project: PathOrId } | { readonly group: PathOrId };

interface TokenDraft {
  readonly name: string;
  readonly description: string | null;
  readonly scopes: readonly TokenScope[];
  /** Midnight UTC of the first day without it; null: never. */
  readonly expiresAt: Date | null;
}

export interface AccessTokenDraft extends TokenDraft {
  readonly userId: number;
}

export interface ResourceTokenDraft extends TokenDraft {
  /** What its bot is to be, by GitLab's number; no more than the principal is. */
  readonly accessLevel: number;
}

export interface TokenRotation {
  /** Left out: in a week, but never for a token that never expired. */
  readonly expiresAt?: Date;
}

export interface CreatedAccessToken {
  readonly token: AccessToken;
  readonly secret: string;
}

export interface CreatedResourceToken extends ResourceToken {
  readonly secret: string;
}
