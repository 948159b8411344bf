import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";

/** No repository: git over HTTP is tested with real ones. */
export function repositoriesInMemory() {
  return {
    openRepository: async (principal) => {
      if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in.");
      throw new HeliostatError("not-found", "The project you were looking for could not be found.");
    },
  } satisfies Partial<UseCases>;
}
