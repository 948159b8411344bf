import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { paged } from "./memory.ts";

/** There are none: hooks are tested with a real receiver. */
export function hooksInMemory() {
  const missing = async () => {
    throw new HeliostatError("not-found", "Not found");
  };
  return {
    listHooks: async (_principal, _project, page) => paged([], page),
    findHook: missing,
    createHook: missing,
    updateHook: missing,
    removeHook: missing,
    testHook: missing,
    listHookDeliveries: missing,
    findHookDelivery: missing,
    resendHookDelivery: missing,
    changeHookPair: missing,
  } satisfies Partial<UseCases>;
}
