import { HeliostatError } from "../../domain/errors.ts";
import { admit } from "./admit.ts";
import type { CheckPassword } from "./check-password.ts";
import type { SignInUseCases } from "./sign-in-use-cases.ts";

/** Signing in with user name and password; what follows once they are right is `admit`, as for other ways in. */
export function signInUseCases(
  ports: Parameters<typeof admit>[0],
  checkPassword: CheckPassword,
): SignInUseCases {
  return {
    async signIn(given, { from, before }) {
      const checked = await checkPassword(given, from);
      if (checked === null) {
        throw new HeliostatError("sign-in-refused", "The user name or the password is wrong.");
      }
      const { user, passwordHash } = checked;
      return await admit(ports, user, { method: "password", passwordHash, code: given.code, from, before });
    },
  };
}
