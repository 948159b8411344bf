import { HeliostatError } from "../../domain/errors.ts";
import { admit } from "./admit.ts";
import type { CheckPassword } from "./check-password.ts";
import type { SignInUseCases } from "./sign-in-use-cases.ts";

export function signInUseCases(
  ports: Parameters<typeof admit>[0],
  checkPassword: CheckPassword,
): SignInUseCases {
  return {
    async signIn(given, { from, before }) {
      const user = await checkPassword(given, from);
      if (user === null) {
        throw new HeliostatError("sign-in-refused", "The user name or the password is wrong.");
      }
      return await admit(ports, user, { method: "password", code: given.code, from, before });
    },
  };
}
