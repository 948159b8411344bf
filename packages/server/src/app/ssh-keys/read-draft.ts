import { invalidField } from "../../domain/errors.ts";
import { readOfferedSshKey } from "../../domain/offered-ssh-key.ts";
import type { SshKeyDraft } from "./ssh-key-use-cases.ts";

const LONGEST_TITLE = 255;

/** The facts of a key as they are stored; `model-invalid` for what cannot be used. */
export function readDraft({ title, key, expiresAt }: SshKeyDraft, now: Date) {
  const offered = readOfferedSshKey(key);
  const name = readTitle(title);
  if (expiresAt !== null && expiresAt <= now) throw invalidField("expires_at", "must be in the future");
  return { ...offered, title: name, expiresAt };
}

/** The title as it is stored. */
export function readTitle(title: string): string {
  const name = title.trim();
  if (name === "") throw invalidField("title", "can't be blank");
  if (name.length > LONGEST_TITLE) {
    throw invalidField("title", `is too long (maximum is ${LONGEST_TITLE} characters)`);
  }
  return name;
}
