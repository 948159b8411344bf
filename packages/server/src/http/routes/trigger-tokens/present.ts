import type { TriggerTokenAnswer } from "@heliostat/contract/api/trigger-tokens.ts";
import type { TriggerToken } from "../../../app/ports.ts";

/** A trigger token without its secret, which is told once, when it is made. */
export function presentTriggerToken(token: TriggerToken): TriggerTokenAnswer {
  return {
    id: token.id,
    name: token.name,
    mirror_id: token.mirrorId,
    created_by: token.createdBy,
    created_at: token.createdAt.toISOString(),
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
  };
}
