import type { SshKeyDraft } from "../../../app/ssh-keys/ssh-key-use-cases.ts";

/** What is said of a new key, of whichever kind. */
export interface KeyParams {
  readonly title: string;
  readonly key: string;
  readonly expires_at?: Date | null | undefined;
}

/** The new key as the use cases take it, not yet looked at; without a last day it is good for ever. */
export function readDraft({ title, key, expires_at }: KeyParams): SshKeyDraft {
  return { title, key, expiresAt: expires_at ?? null };
}
