import type { AuditNews } from "../domain/audit-event.ts";
import type { Principal } from "../domain/user.ts";
import type { Ports } from "./ports.ts";

/**
 * Notes what this principal has just done. To be awaited after the change and before the answer: a change that cannot be
 * noted is a fault that its maker hears of.
 */
export async function recordAudit(
  ports: Pick<Ports, "audit" | "clock">,
  principal: Principal,
  news: AuditNews,
): Promise<void> {
  await ports.audit.record({
    ...news,
    at: ports.clock.now(),
    ...whoIs(principal),
    from: principal.from ?? null,
  });
}

function whoIs(principal: Principal): {
  readonly author: { readonly id: number | null; readonly name: string };
  readonly authenticatedBy: string | null;
} {
  switch (principal.kind) {
    case "anonymous":
      return { author: { id: null, name: "(nobody)" }, authenticatedBy: null };
    case "user": {
      const { user, token } = principal;
      return {
        author: { id: user.id, name: user.username },
        authenticatedBy: token === null ? null : `token ${token.id} (${token.name})`,
      };
    }
    case "deploy-key": {
      const { id, title } = principal.key;
      return { author: { id: null, name: `deploy key ${title}` }, authenticatedBy: `deploy key ${id}` };
    }
  }
}
