import type { Principal } from "../../domain/user.ts";
import type { HeardHook } from "../mirror-hooks/mirror-hook-use-cases.ts";
import type { Webhook } from "../mirror-hooks/webhook.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { TriggerToken } from "../ports.ts";

/** Tokens with which whoever has one, such as the host of an upstream, can start one mirror, and do nothing else. */
export interface TriggerTokenUseCases {
  listTriggerTokens(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
  ): Promise<readonly TriggerToken[]>;
  /** The one moment at which the secret is known. */
  createTriggerToken(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    name: string,
  ): Promise<{ readonly token: TriggerToken; readonly secret: string }>;
  removeTriggerToken(principal: Principal, project: PathOrId, mirrorId: number, id: number): Promise<void>;
  /**
   * Starts the mirror of this token (`pull`: it must be the project's pull mirror). The same `not-found` whether there
   * is no such token, or it is for another mirror; `too-many-starts` when it is used too often; `model-invalid` with the
   * reason when the mirror cannot be started. `hook`: the webhook that the token came with.
   */
  triggerMirror(
    secret: string,
    project: PathOrId,
    mirror: number | "pull",
    hook: Webhook | null,
  ): Promise<HeardHook>;
}
