import { HeliostatError } from "../../domain/errors.ts";
import type { SignInMethod } from "../../domain/session.ts";
import { isBot, type User } from "../../domain/user.ts";
import { refuseBlocked } from "../accounts/authenticate.ts";
import { digestToken } from "../accounts/token-digest.ts";
import type { Ports } from "../ports.ts";
import type { SignInOrigin } from "./session-use-cases.ts";
import { openSession } from "./sessions.ts";
import type { Admission } from "./sign-in-use-cases.ts";

/**
 * What follows once it is certain who somebody is, by whichever method: they are signed in. `before` is the secret of the
 * session that their browser had until now, which ends. `forbidden` for a blocked account.
 *
 * The seam for whatever else must be shown before: every sign-in by a browser comes through here, and nobody else calls
 * `openSession`. A second factor answers another kind of `Admission` in its place, with something short-lived and half
 * signed in, and comes back to the last step when the code was right.
 */
export async function admit(
  ports: Pick<Ports, "audit" | "clock" | "sessions" | "settings">,
  user: User,
  how: {
    readonly method: SignInMethod;
    readonly from: SignInOrigin;
    readonly before: string | null;
  },
): Promise<Admission> {
  refuseBlocked(user);
  if (isBot(user)) throw new HeliostatError("forbidden", "Nobody signs in as an internal user.");
  if (how.before !== null) {
    const had = await ports.sessions.findByDigest(digestToken(how.before));
    if (had) await ports.sessions.end(had.user.id, had.session.id);
  }
  return { kind: "signed-in", opened: await openSession(ports, user, how) };
}
