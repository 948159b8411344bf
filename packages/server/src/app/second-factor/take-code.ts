import { isTimeCode, normalizeRecoveryCode, stepOfCode } from "../../domain/second-factor.ts";
import type { User } from "../../domain/user.ts";
import { digestToken } from "../accounts/token-digest.ts";
import type { Ports } from "../ports.ts";
import { beginCodeTry } from "../sign-in/throttle.ts";

export type CodePorts = Pick<Ports, "clock" | "secondFactors" | "signInFailures">;

/** Whether a code was good, and of which kind; `unreadable`: codes of the app cannot be checked, the key is lost. */
export type CodeVerdict = "app" | "recovery-code" | "wrong" | "unreadable";

/**
 * Takes a code of the user's app, or a recovery code. It is good once: whoever comes later with it has a wrong one.
 * `failures` in a row, this one among them if it is one; `too-many-sign-ins` after too many.
 */
export async function takeCode(
  ports: CodePorts,
  user: Pick<User, "id">,
  code: string,
): Promise<{ readonly verdict: CodeVerdict; readonly failures: number }> {
  const attempt = await beginCodeTry(ports, user.id);
  const verdict = await judge(ports, user, code);
  if (verdict === "app" || verdict === "recovery-code") await attempt.succeeded();
  if (verdict === "unreadable") await attempt.takenBack();
  return { verdict, failures: attempt.failures };
}

/** What is stored of a recovery code. It is random and long, so a plain digest cannot be guessed backwards. */
export function digestRecoveryCode(code: string): Buffer {
  return digestToken(normalizeRecoveryCode(code));
}

async function judge(
  ports: Pick<Ports, "clock" | "secondFactors">,
  user: Pick<User, "id">,
  code: string,
): Promise<CodeVerdict> {
  if (!isTimeCode(code)) {
    const taken = await ports.secondFactors.takeRecoveryCode(user.id, digestRecoveryCode(code));
    return taken ? "recovery-code" : "wrong";
  }
  const stored = await ports.secondFactors.find(user.id);
  if (stored === null || stored.confirmedAt === null) return "wrong";
  if (stored.secret === null) return "unreadable";
  const step = stepOfCode(stored.secret, code, ports.clock.now());
  return step !== null && (await ports.secondFactors.takeStep(user.id, step)) ? "app" : "wrong";
}
