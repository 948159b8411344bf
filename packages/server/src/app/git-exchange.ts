/** The two services of Git's transfer protocol: what a fetch and what a push talks to. */
export type GitService = "upload-pack" | "receive-pack";

/** What speaks with a client over a connection of its own, in as many turns as it likes: a fetch, `git archive --remote`. */
export type ConversationProgram = "upload-pack" | "upload-archive";

export interface GitExchange {
  /** Value for `GIT_PROTOCOL`, already checked to be short and harmless; null: version 0. */
  readonly protocol: string | null;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /**
   * The same while nothing has begun yet, where that is another signal: a push that came in whole goes on without its
   * client, but one that still waits for its turn does not.
   */
  readonly whileWaiting?: AbortSignal;
}
