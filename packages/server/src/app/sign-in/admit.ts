import { HeliostatError } from "../../domain/errors.ts";
import { isBot, type User } from "../../domain/user.ts";
import { refuseBlocked } from "../accounts/authenticate.ts";
import { digestToken } from "../accounts/token-digest.ts";
import type { Ports } from "../ports.ts";
import { requireCode } from "../second-factor/require-code.ts";
import type { SignInOrigin } from "./session-use-cases.ts";
import { openSession } from "./sessions.ts";
import type { Admission } from "./sign-in-use-cases.ts";

/** By what it is certain who somebody is. A provider asks for a second factor of its own, if it wants one. */
export type Shown =
  | {
      readonly method: "password";
      /** The one that was right. */
      readonly passwordHash: string;
      /** Of the second factor; null: none was given. */
      readonly code: string | null;
    }
  | { readonly method: "oidc" };

/**
 * What follows once it is certain who somebody is, by whichever method: they are signed in. `before` is the secret of the
 * session that their browser had until now, which ends. `forbidden` for a blocked account, `second-factor-needed` while a
 * code is missing or wrong.
 *
 * Every sign-in by a browser comes through here, and nobody else calls `openSession`.
 */
export async function admit(
  ports: Pick<Ports, "audit" | "clock" | "secondFactors" | "sessions" | "settings" | "signInFailures">,
  user: User,
  how: Shown & {
    readonly from: SignInOrigin;
    readonly before: string | null;
  },
): Promise<Admission> {
  refuseBlocked(user);
  if (isBot(user)) throw new HeliostatError("forbidden", "Nobody signs in as an internal user.");
  if (how.method === "password" && user.hasSecondFactor) await requireCode(ports, user, how.code, how.from);
  if (how.before !== null) {
    const had = await ports.sessions.findByDigest(digestToken(how.before));
    if (had) await ports.sessions.end(had.user.id, had.session.id);
  }
  return { kind: "signed-in", opened: await openSession(ports, user, how) };
}
