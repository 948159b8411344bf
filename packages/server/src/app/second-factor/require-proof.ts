import { invalidField } from "../../domain/errors.ts";
import type { Ports } from "../ports.ts";
import type { CheckPassword } from "../sign-in/check-password.ts";
import type { SignedIn } from "../use-cases.ts";
import type { Proof } from "./second-factor-use-cases.ts";
import { type CodePorts, takeCode } from "./take-code.ts";

export type ProofPorts = CodePorts & Pick<Ports, "users">;

const WRONG_CODE = "is wrong, or was used before: enter the one that your app shows now, or a recovery code";

/**
 * Whoever has this session knows the password of its user too; `parameter-invalid` of `current_password` if not. Throttled
 * as a sign-in is: a session that somebody left open is not the way to guess the password.
 */
export async function requirePassword(
  ports: ProofPorts,
  checkPassword: CheckPassword,
  { user, from }: SignedIn,
  password: string,
): Promise<void> {
  const found = await ports.users.findForSignIn(user.username);
  // Who signs in at a provider only has none to show.
  if (!found?.passwordHash) return;
  if (password === "") throw invalidField("current_password", "is missing");
  const given = { username: user.username, password };
  const checked = await checkPassword(given, from ?? { door: "internal", address: null });
  if (checked?.user.id !== user.id) throw invalidField("current_password", "is wrong");
}

/** The same, and has a code of their second factor, if they have one; it is used up then. */
export async function requireProof(
  ports: ProofPorts,
  checkPassword: CheckPassword,
  signedIn: SignedIn,
  { password, code }: Proof,
): Promise<void> {
  await requirePassword(ports, checkPassword, signedIn, password);
  if (!signedIn.user.hasSecondFactor) return;
  if (code === "") throw invalidField("code", "is missing");
  const { verdict } = await takeCode(ports, signedIn.user, code);
  if (verdict === "unreadable") {
    throw invalidField("code", "cannot be checked: the secrets file is lost. Enter a recovery code");
  }
  if (verdict === "wrong") throw invalidField("code", WRONG_CODE);
}
