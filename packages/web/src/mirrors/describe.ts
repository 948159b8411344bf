import type { AttentionReason } from "@heliostat/contract";
import type { MirrorOfAnyProjectAnswer } from "@heliostat/contract/api/mirror-attention.ts";

/** How grave it is, and so its colour: stopped, soon to stop, at rest. */
export type Tone = "bad" | "warn" | "idle";

/** What stands beside the colour, for those who do not see it. */
export type Icon = "check" | "refresh" | "clock" | "alert" | "pause" | "dashed";

/** The icon of what waits for somebody. */
export const ICON_OF: Readonly<Record<Tone, Icon>> = { bad: "alert", warn: "clock", idle: "pause" };

/** A reason in words: one for the badge, and a sentence for where the mirror has no error of its own to show. */
export interface ReasonWords {
  readonly word: string;
  readonly tone: Tone;
  readonly sentence: string;
}

/** The one thing to do that mends a mirror. */
export type Action =
  | "enter-password"
  | "make-ssh-key"
  | "review-host-keys"
  | "copy-public-key"
  | "update-now";

type Facts = Pick<MirrorOfAnyProjectAnswer, "reasons" | "auth_method" | "public_key" | "lost_secrets">;

/** The words for a reason. */
export function describeReason(reason: AttentionReason): ReasonWords {
  switch (reason) {
    case "needs-secret":
      return {
        word: "Needs its secret again",
        tone: "bad",
        sentence:
          "The key that sealed its secret is lost. What was mirrored is safe; nothing runs until then.",
      };
    case "host-key-revoked":
      return {
        word: "Revoked host key",
        tone: "bad",
        sentence: "The server shows a host key that was marked as revoked. Nothing was sent to it.",
      };
    case "host-key-changed":
      return {
        word: "Host key changed",
        tone: "bad",
        sentence: "The server shows other host keys than the stored ones. Nothing was sent to it.",
      };
    case "host-key-missing":
      return {
        word: "No host key",
        tone: "bad",
        sentence: "No host key of this server is stored yet. Nothing was sent to it.",
      };
    case "ssh-key-refused":
      return {
        word: "SSH key not accepted",
        tone: "bad",
        sentence:
          "The server does not know this mirror's SSH key yet. Add the public key there, then update.",
      };
    case "credential-refused":
      return {
        word: "Credential refused",
        tone: "bad",
        sentence: "The server does not accept what this mirror signs in with.",
      };
    case "credential-expired":
      return {
        word: "Credential expired",
        tone: "bad",
        sentence: "The credential of this mirror has expired.",
      };
    case "credential-expires-soon":
      return {
        word: "Credential expires soon",
        tone: "warn",
        sentence: "The mirror works until then. Put another secret in its place in time.",
      };
    case "paused":
      return {
        word: "Paused",
        tone: "idle",
        sentence: "It failed too often in a row, and waits until somebody starts it again.",
      };
  }
}

/** What mends the weightiest reason of a mirror; null: nothing, or nothing that this page can do. */
export function chooseAction(mirror: Facts): Action | null {
  const [reason] = mirror.reasons;
  const usesKey = mirror.auth_method === "ssh_public_key" || mirror.public_key !== null;
  if (reason === undefined) return null;
  switch (reason) {
    case "needs-secret":
      if (mirror.lost_secrets.includes("password")) return "enter-password";
      // A client certificate is given by API.
      return mirror.lost_secrets.includes("ssh_key") ? "make-ssh-key" : null;
    case "credential-expired":
    case "credential-expires-soon":
      return usesKey ? "make-ssh-key" : "enter-password";
    case "host-key-revoked":
    case "host-key-changed":
    case "host-key-missing":
      return "review-host-keys";
    case "ssh-key-refused":
      return "copy-public-key";
    case "credential-refused":
      return usesKey ? "copy-public-key" : "enter-password";
    case "paused":
      return "update-now";
  }
}

const MS_OF_A_DAY = 24 * 3600 * 1000;

/** "Credential expires in 3 days", "… expired 2 days ago"; days are counted in full, up for what comes, down for what was. */
export function describeExpiry(expiresAt: string, now: Date): string {
  const left = new Date(expiresAt).getTime() - now.getTime();
  if (left > 0) {
    const days = Math.ceil(left / MS_OF_A_DAY);
    return days === 1 ? "Credential expires within a day" : `Credential expires in ${days} days`;
  }
  const days = Math.floor(-left / MS_OF_A_DAY);
  if (days === 0) return "Credential expired today";
  return days === 1 ? "Credential expired yesterday" : `Credential expired ${days} days ago`;
}

/** The state of a mirror in the word that it has everywhere, with its icon, and its tone; null where all is well. */
export function describeState(
  mirror: Pick<MirrorOfAnyProjectAnswer, "enabled" | "paused" | "update_status">,
): { readonly word: string; readonly tone: Tone | null; readonly icon: Icon } {
  if (!mirror.enabled || mirror.paused) return { word: "Paused", tone: "idle", icon: "pause" };
  switch (mirror.update_status) {
    case "none":
      return { word: "Never run", tone: "idle", icon: "dashed" };
    case "scheduled":
    case "started":
      return { word: "Updating", tone: "idle", icon: "refresh" };
    case "finished":
      return { word: "In step", tone: null, icon: "check" };
    case "failed":
    case "to_retry":
      return { word: "Failing", tone: "bad", icon: "alert" };
  }
}
