import { totalmem } from "node:os";

/** What every git that receives is held to, whoever sends. */
export interface ReceiveBounds {
  /** Of each process. */
  readonly memoryBytes: number;
}

const GIB = 1024 ** 3;

/**
 * A quarter of the machine's memory, for there are four transfers at a time; not more than the largest repositories
 * need, and not less than ordinary ones do.
 */
export function usualBounds(): ReceiveBounds {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  return { memoryBytes: Math.min(4 * GIB, Math.max(GIB, memory / 4)) };
}
