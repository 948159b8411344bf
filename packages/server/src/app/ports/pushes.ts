import type { Oid } from "../../domain/oid.ts";
import type { RefRefusal } from "../../domain/push-refusal.ts";
import type { PushCommand } from "../../domain/push-rules.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { GitExchange } from "../git-exchange.ts";
import type { Admission } from "./transfers.ts";

/** One ref that a client's push changed, by the old and new value that git's hook reported. */
export interface PushedRef {
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly new: Oid | null;
}

/** What a client asks for, in full, before git has seen any of it. */
export interface PushRequest {
  readonly commands: readonly PushCommand[];
  /** `git push -o`: for whoever understands them. */
  readonly options: readonly string[];
}

/** What is to become of a push. */
export interface PushPlan {
  /** With any of these nothing is done, and the client is told which ref was refused by which rule. */
  readonly refusals: readonly RefRefusal[];
  /** To be refused unless they are fast-forwards. */
  readonly fastForwardOnly: readonly PushCommand[];
  /** Lines for the pusher to read, whatever comes of it. */
  readonly notes: readonly string[];
  /** What it may bring; anything when left out. */
  readonly admission?: Admission;
  /** Bytes: of each new file, and of all that is sent. Null: no limit. */
  readonly maxFileBytes: number | null;
  readonly maxPushBytes: number | null;
}

export interface PushExchange extends GitExchange {
  /** Asked once, when all commands are here. What it throws ends the exchange before git was started. */
  readonly decide: (request: PushRequest) => Promise<PushPlan>;
}

export interface ReceivedPush {
  /** The refs that it really changed. */
  readonly pushed: readonly PushedRef[];
  /** All that was refused by a rule, those of the plan too. */
  readonly refusals: readonly RefRefusal[];
}
