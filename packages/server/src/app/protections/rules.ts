import { HeliostatError } from "../../domain/errors.ts";
import { ACCESS_LEVELS } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Grantee } from "../../domain/protections.ts";
import type { Principal } from "../../domain/user.ts";
import { auditedProject } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";

/** What protected branches and protected tags have in common. */
interface Rule {
  readonly id: number;
  readonly name: string;
}

/** Whom a rule lets do things unless it says otherwise. */
export const MAINTAINERS: readonly Grantee[] = [{ kind: "role", level: ACCESS_LEVELS.maintainer }];

/** The rule of exactly this name, a wildcard among them taken as it stands; `not-found` for none. */
export function requireRule<R extends Rule>(rules: readonly R[], name: string): R {
  const found = rules.find((rule) => rule.name === name);
  if (!found) throw noRule();
  return found;
}

/** What is thrown where there is no such rule, or no more. */
export function noRule(): HeliostatError {
  return new HeliostatError("not-found", "Not found");
}

/** Records that a rule of the project was made, changed or removed; `details`: what it says, without secrets. */
export async function auditRule(
  ports: Pick<Ports, "audit" | "clock">,
  principal: Principal,
  project: Project,
  change: {
    readonly action: string;
    readonly type: "ProtectedBranch" | "ProtectedTag";
    readonly rule: Rule;
    readonly details: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await recordAudit(ports, principal, {
    action: change.action,
    entity: auditedProject(project),
    target: { type: change.type, id: change.rule.id, details: change.rule.name },
    details: change.details,
  });
}
