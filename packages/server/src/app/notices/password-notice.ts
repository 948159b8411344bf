import type { Origin } from "../../domain/user.ts";
import type { Notice } from "./notice.ts";

/** What a user is told when their password was changed: by them, we hope. */
export function passwordNotice(by: "themselves" | "an admin", at: Date, from: Origin | null): Notice {
  return {
    subject: "Your password was changed",
    blocks: [
      {
        kind: "paragraph",
        text:
          by === "themselves"
            ? "Your password was changed, and all your other sessions were ended."
            : "An administrator set another password for you, and all your sessions were ended.",
      },
      {
        kind: "facts",
        rows: [
          ["When", at.toISOString()],
          ["From", from?.address ?? (from?.door === "cli" ? "the command line of the server" : "unknown")],
        ],
      },
      {
        kind: "paragraph",
        text: "If this was not you and nobody told you, speak to your administrator now: somebody else may have your account.",
      },
    ],
  };
}
