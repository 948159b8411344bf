import type { AuditNews } from "../domain/audit-event.ts";
import type { Principal } from "../domain/user.ts";
import type { AuditStore, Clock } from "./ports.ts";

/**
 * Notes what this principal has just done. To be awaited after the change and before the answer: a change that cannot be
 * noted is a fault that its maker hears of.
 */
export async function recordAudit(
  ports: { readonly audit: Pick<AuditStore, "record">; readonly clock: Pick<Clock, "now"> },
  principal: Principal,
  news: AuditNews,
): Promise<void> {
  await ports.audit.record({
    ...news,
    details: { ...news.details, ...actedFor(principal) },
    at: ports.clock.now(),
    ...whoIs(principal),
    from: principal.from ?? null,
  });
}

/** Notes what the server has just done by itself, in the name of the part of it that did. */
export async function recordOwnAudit(
  ports: { readonly audit: Pick<AuditStore, "record">; readonly clock: Pick<Clock, "now"> },
  part: string,
  news: AuditNews,
): Promise<void> {
  await ports.audit.record({
    ...news,
    at: ports.clock.now(),
    author: { id: null, name: `(${part})` },
    authenticatedBy: null,
    from: { door: "internal", address: null },
  });
}

/** Whoever acts in the place of another did it: the other is only named. */
function actedFor(principal: Principal): Readonly<Record<string, unknown>> {
  const isSudo = principal.kind === "user" && principal.impersonator !== undefined;
  return isSudo ? { acting_for: principal.user.username } : {};
}

function whoIs(principal: Principal): {
  readonly author: { readonly id: number | null; readonly name: string };
  readonly authenticatedBy: string | null;
} {
  switch (principal.kind) {
    case "anonymous":
      return { author: { id: null, name: "(nobody)" }, authenticatedBy: null };
    case "user": {
      const { token } = principal;
      const { id, username } = principal.impersonator ?? principal.user;
      return {
        author: { id, name: username },
        authenticatedBy: token === null ? null : `token ${token.id} (${token.name})`,
      };
    }
    case "deploy-key": {
      const { id, title } = principal.key;
      return { author: { id: null, name: `deploy key ${title}` }, authenticatedBy: `deploy key ${id}` };
    }
  }
}
