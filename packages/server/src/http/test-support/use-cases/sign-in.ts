import type { PasswordUseCases } from "../../../app/sign-in/password-use-cases.ts";
import type { SessionUseCases } from "../../../app/sign-in/session-use-cases.ts";
import type { SignInUseCases } from "../../../app/sign-in/sign-in-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { findNothing } from "./memory.ts";

/** Nobody signs in to the instance in memory: these tests come with tokens. */
export function signInInMemory(): SignInUseCases & SessionUseCases & PasswordUseCases {
  return {
    signIn: async () => {
      throw new HeliostatError("sign-in-refused", "The user name or the password is wrong.");
    },
    authenticateSession: async () => null,
    signOut: async () => undefined,
    listSessions: async () => [],
    endSession: findNothing,
    endOtherSessions: async () => 0,
    changePassword: async () => undefined,
    setPassword: async () => undefined,
  };
}
