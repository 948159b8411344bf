import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { Memory } from "./memory.ts";
import { EPOCH, ROOT } from "./people.ts";

/** Webhooks prove nothing here: what a proof is worth is tested with the use cases. */
export function mirrorHooksInMemory({ findMirror }: Memory) {
  return {
    createHookSecret: async (principal, which, id, given) => ({
      mirrorId: findMirror(principal, which, id).id,
      secret: given ?? "a hook secret",
      createdBy: ROOT.id,
      createdAt: EPOCH,
    }),
    removeHookSecret: async (principal, which, id) => {
      findMirror(principal, which, id);
    },
    receiveHook: async () => {
      throw new HeliostatError("hook-refused", "The webhook proves nothing.");
    },
  } satisfies Partial<UseCases>;
}
