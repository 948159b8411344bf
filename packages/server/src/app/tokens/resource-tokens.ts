import { randomBytes } from "node:crypto";
import type { AuditEntity } from "../../domain/audit-event.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { accessLevel, namespaceLevel } from "../../domain/policy.ts";
import { type AccessToken, isBot, type Principal } from "../../domain/user.ts";
import { findGroup, findGroupFor, findProjectFor, findVisibleProject, requireSignedIn } from "../access.ts";
import { digestToken } from "../accounts/token-digest.ts";
import { auditedNamespace, auditedProject } from "../audit/entities.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { Ports, ResourceToken, TokenHome } from "../ports.ts";
import { noteToken, refuseHigherLevel, revokeToken, rotateToken } from "./change-token.ts";
import { checkTokenDraft, noLaterThanOwn, refuseMorePower } from "./check-token-draft.ts";
import type { TokenPlace, TokenUseCases } from "./token-use-cases.ts";

type ResourceTokenUseCases = Pick<
  TokenUseCases,
  | "listResourceTokens"
  | "findResourceToken"
  | "createResourceToken"
  | "revokeResourceToken"
  | "rotateResourceToken"
>;

type TokenPorts = Pick<
  Ports,
  "tokens" | "users" | "projects" | "namespaces" | "instance" | "clock" | "audit"
>;

/** A place as found: what tokens of it are stored under, and what the principal is there. */
interface Found {
  readonly word: "project" | "group";
  readonly home: TokenHome;
  readonly entity: AuditEntity;
  readonly level: number;
}

/** The tokens of projects and groups, each with a bot of its own. */
export function resourceTokenUseCases(ports: TokenPorts): ResourceTokenUseCases {
  async function findProjectPlace(principal: Principal, which: PathOrId, toAdmin: boolean): Promise<Found> {
    const project = toAdmin
      ? await findProjectFor(ports, principal, which, "admin-project")
      : await findVisibleProject(ports, principal, which);
    return {
      word: "project",
      home: { projectId: project.id },
      entity: auditedProject(project),
      level: accessLevel(principal, project),
    };
  }

  async function findGroupPlace(principal: Principal, which: PathOrId, toAdmin: boolean): Promise<Found> {
    const group = toAdmin
      ? await findGroupFor(ports, principal, which, "admin-namespace")
      : await findGroup(ports, principal, which);
    return {
      word: "group",
      home: { namespaceId: group.id },
      entity: auditedNamespace(group),
      level: namespaceLevel(principal, group),
    };
  }

  async function findPlace(
    principal: Principal,
    place: TokenPlace,
    { toAdmin }: { readonly toAdmin: boolean } = { toAdmin: true },
  ): Promise<Found> {
    requireSignedIn(principal);
    return "project" in place
      ? await findProjectPlace(principal, place.project, toAdmin)
      : await findGroupPlace(principal, place.group, toAdmin);
  }

  async function findToken({ word, home }: Found, id: number): Promise<ResourceToken> {
    const found = await ports.tokens.findOfHome(home, id);
    if (found) return found;
    throw new HeliostatError(
      "not-found",
      `Could not find ${word} access token with token_id: ${id} Not Found`,
    );
  }

  return {
    async listResourceTokens(principal, place, filter, page) {
      const { home } = await findPlace(principal, place);
      return await ports.tokens.listOfHome(home, filter, page, ports.clock.now());
    },
    async findResourceToken(principal, place, id) {
      return await findToken(await findPlace(principal, place), id);
    },
    async createResourceToken(principal, place, draft) {
      const found = await findPlace(principal, place);
      const { user } = requireSignedIn(principal);
      refuseBots(principal);
      checkTokenDraft(draft, ports.clock.now(), { forAdmin: false });
      refuseMorePower(principal, draft.scopes);
      refuseHigherLevel(found, draft.accessLevel);
      const secret = ports.instance.makeTokenSecret(found.word);
      const { name, description, scopes } = draft;
      const expiresAt = noLaterThanOwn(principal, draft.expiresAt);
      const made = await ports.tokens.createWithBot(found.home, {
        ...{ name, description, scopes, expiresAt, accessLevel: draft.accessLevel },
        digest: digestToken(secret),
        createdBy: user.id,
        word: randomBytes(8).toString("hex"),
      });
      await noteToken(ports, principal, "token-created", found.entity, made.token, made.accessLevel);
      return { ...made, secret };
    },
    async revokeResourceToken(principal, place, id) {
      const found = await findPlace(principal, place);
      await revokeToken(ports, principal, (await findToken(found, id)).token);
    },
    async rotateResourceToken(principal, place, which, rotation) {
      const isSelf = which === "self";
      const found = await findPlace(principal, place, { toAdmin: !isSelf });
      const old = await findToken(found, isSelf ? requireOwnToken(principal).id : which);
      if (!isSelf && old.token.id !== tokenOf(principal)?.id) refuseBots(principal);
      return await rotateToken(ports, principal, old.token, rotation);
    },
  };
}

function tokenOf(principal: Principal): AccessToken | null {
  return principal.kind === "user" ? principal.token : null;
}

function requireOwnToken(principal: Principal): AccessToken {
  const token = tokenOf(principal);
  if (token === null) throw new HeliostatError("not-found", "Not Found");
  return token;
}

/** A token that falls into wrong hands must not be able to leave others behind. */
function refuseBots(principal: Principal): void {
  if (principal.kind === "user" && isBot(principal.user)) {
    throw new HeliostatError("forbidden", "The token of a project or group cannot make tokens.");
  }
}
