import type { UseCases } from "../../../app/use-cases.ts";
import { findNothing } from "./memory.ts";

/** Nobody has pipeline triggers. */
export function pipelinesInMemory() {
  return {
    listPipelineTriggers: async () => [],
    findPipelineTrigger: findNothing,
    createPipelineTrigger: findNothing,
    updatePipelineTrigger: findNothing,
    removePipelineTrigger: findNothing,
    testPipelineTrigger: findNothing,
    listPipelineDeliveries: findNothing,
  } satisfies Partial<UseCases>;
}
