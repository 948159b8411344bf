import type { AuditEntity } from "../../domain/audit-event.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { accessLevel, namespaceLevel } from "../../domain/policy.ts";
import type { AccessToken, Principal } from "../../domain/user.ts";
import { digestToken } from "../accounts/token-digest.ts";
import { auditedNamespace, auditedProject, auditedUser } from "../audit/entities.ts";
import type { Ports, TokenHome } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { alreadyRevoked, expiryAfterRotation, refuseMorePower } from "./check-token-draft.ts";
import type { TokenRotation } from "./token-use-cases.ts";

type OwnerPorts = Pick<Ports, "tokens" | "users" | "projects" | "namespaces">;
type ChangePorts = OwnerPorts & Pick<Ports, "instance" | "clock" | "audit">;

/** What a token is for, and so where its changes are told: a project, a group, or somebody's own account. */
export interface TokenOwner {
  readonly kind: "project" | "group" | "personal";
  readonly entity: AuditEntity;
  /** Of a project or group: what the principal is there. */
  readonly level: number | null;
}

/** Whichever way a token is reached, it is for what it was made for. `not-found` when that has just been removed. */
export async function findTokenOwner(
  ports: Pick<Ports, "users" | "projects" | "namespaces">,
  principal: Principal,
  { projectId, namespaceId, userId }: AccessToken,
): Promise<TokenOwner> {
  if (projectId !== null) {
    const project = await ports.projects.find(projectId);
    if (project) {
      return { kind: "project", entity: auditedProject(project), level: accessLevel(principal, project) };
    }
  } else if (namespaceId !== null) {
    const group = await ports.namespaces.find(namespaceId);
    if (group)
      return { kind: "group", entity: auditedNamespace(group), level: namespaceLevel(principal, group) };
  } else {
    const user = await ports.users.find(userId);
    if (user) return { kind: "personal", entity: auditedUser(user), level: null };
  }
  throw new HeliostatError("not-found", "Not found");
}

/** Another secret, in a token that is otherwise the same. The caller has checked that the principal may. */
export async function rotateToken(
  ports: ChangePorts,
  principal: Principal,
  old: AccessToken,
  rotation: TokenRotation,
): Promise<{ readonly token: AccessToken; readonly accessLevel: number; readonly secret: string }> {
  refuseMorePower(principal, old.scopes);
  const owner = await findTokenOwner(ports, principal, old);
  const botLevel = await levelOfBot(ports, old);
  if (botLevel !== null) refuseHigherLevel(owner, botLevel);
  const secret = ports.instance.makeTokenSecret(owner.kind);
  const token = await ports.tokens.rotate(old.id, {
    digest: digestToken(secret),
    expiresAt: expiryAfterRotation(principal, old, rotation, ports.clock.now()),
  });
  if (token === null) throw alreadyRevoked();
  await noteToken(ports, principal, "token-rotated", owner.entity, token, botLevel);
  return { token, accessLevel: botLevel ?? 0, secret };
}

/** Nothing for one that is revoked already: what its bot is belongs to the token that came after it. */
export async function revokeToken(
  ports: ChangePorts,
  principal: Principal,
  token: AccessToken,
): Promise<void> {
  const { entity } = await findTokenOwner(ports, principal, token);
  const botLevel = await levelOfBot(ports, token);
  if (!(await ports.tokens.revoke(token.id))) return;
  await noteToken(ports, principal, "token-revoked", entity, token, botLevel);
}

/** `model-invalid` for a token that is to be more than the principal is there. */
export function refuseHigherLevel({ level }: Pick<TokenOwner, "level">, wanted: number): void {
  if (level === null || wanted <= level) return;
  throw new HeliostatError(
    "model-invalid",
    "400 Bad request - Access level of the token can't be greater the access level of the user who created the token",
  );
}

/** Tells of a token; `botLevel`: what its bot is, null for a personal one. */
export async function noteToken(
  ports: Pick<Ports, "audit" | "clock">,
  principal: Principal,
  action: string,
  entity: AuditEntity,
  { id, name, scopes, expiresAt }: AccessToken,
  botLevel: number | null,
): Promise<void> {
  await recordAudit(ports, principal, {
    action,
    entity,
    target: { type: "AccessToken", id, details: name },
    details: {
      scopes,
      ...(botLevel === null ? {} : { access_level: botLevel }),
      expires_at: expiresAt?.toISOString().slice(0, 10) ?? null,
    },
  });
}

async function levelOfBot({ tokens }: Pick<Ports, "tokens">, token: AccessToken): Promise<number | null> {
  const home = homeOf(token);
  return home === null ? null : ((await tokens.findOfHome(home, token.id))?.accessLevel ?? 0);
}

function homeOf({ projectId, namespaceId }: AccessToken): TokenHome | null {
  if (projectId !== null) return { projectId };
  return namespaceId === null ? null : { namespaceId };
}
