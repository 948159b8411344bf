import type { Origin } from "../../domain/user.ts";
import type { Notice } from "./notice.ts";

/** What a user is told when their account was connected with somebody at a provider: themselves, we hope. */
export function identityNotice(provider: string, subject: string, at: Date, from: Origin | null): Notice {
  return {
    subject: `Your account was connected with ${provider}`,
    blocks: [
      {
        kind: "paragraph",
        text: `Whoever signs in there as the person below gets into your account here, without your password.`,
      },
      {
        kind: "facts",
        rows: [
          ["Who", subject],
          ["When", at.toISOString()],
          ["From", from?.address ?? "unknown"],
        ],
      },
      {
        kind: "paragraph",
        text: "If this was not you, disconnect it on the page of your account, change your password, and speak to your administrator.",
      },
    ],
  };
}
