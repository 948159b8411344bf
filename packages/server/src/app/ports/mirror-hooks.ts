import type { MirrorDirection } from "@heliostat/contract";

/** A mirror that a webhook may be for. */
export interface HookedMirror {
  readonly id: number;
  readonly direction: MirrorDirection;
  /** Null: it has none, or its key is lost. */
  readonly secret: string | null;
}

/** What of the webhooks to mirrors is kept. The secrets are sealed. */
export interface MirrorHookStore {
  /** Gives the mirror this secret, in the place of the one that it had. Answers since when it has it. */
  writeSecret(mirrorId: number, secret: string, userId: number): Promise<{ readonly createdAt: Date }>;
  /** False: there is none. */
  removeSecret(mirrorId: number): Promise<boolean>;
  /** No more webhooks are to come to this mirror: none are missed. */
  forget(mirrorId: number): Promise<void>;
  /** The mirror of this project by its id, or its pull mirror. */
  findHooked(projectId: number, which: number | "pull"): Promise<HookedMirror | null>;
  /** Whether this was told before. */
  wasReceived(mirrorId: number, digest: Buffer): Promise<boolean>;
  /** A change was told of, with a message of this digest where it may not be told again (null: it may). */
  noteReceived(mirrorId: number, at: Date, digest: Buffer | null): Promise<void>;
  /** The same was told once more: the mirror is to be looked at, but not before `checkAt`. */
  noteReplay(mirrorId: number, at: Date, checkAt: Date): Promise<void>;
  /**
   * A change was found by polling. Counts it as one that no webhook told of, where webhooks come at all and none came
   * since the mirror was last known to be in step.
   */
  noteFound(mirrorId: number, at: Date, inStepAt: Date | null): Promise<void>;
  /** Pull mirrors that are on and to which webhooks come, and those of them that are not told of all changes. */
  count(now: Date): Promise<{ readonly hooked: number; readonly missing: number }>;
  /** Forgets what was told before; answers how many messages. */
  removeOldMessages(before: Date): Promise<number>;
}
