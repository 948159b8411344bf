import type { SessionUseCases } from "../../app/sign-in/session-use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";

/** Nobody signs in to the instance in memory: these tests come with tokens. */
export const NO_SESSIONS: SessionUseCases = {
  authenticateSession: async () => null,
  signOut: async () => undefined,
  listSessions: async () => [],
  endSession: async () => {
    throw new HeliostatError("not-found", "Not found");
  },
  endOtherSessions: async () => 0,
};
