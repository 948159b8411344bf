import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** 20 s unless told: a machine that runs all tests at once is slow. */
  readonly timeoutMs?: number;
  /** The longest pause between two looks, 200 ms unless told: for what is quick, and waited for often. */
  readonly maxPauseMs?: number;
  /** What was waited for, or what is to be seen instead. */
  readonly message: string | (() => string | Promise<string>);
}

/**
 * Asks until the answer is neither false, null nor undefined, and answers it. Throws with the message when that does
 * not happen in time; what `ask` throws is not waited out.
 */
export async function waitFor<T>(
  ask: () => T | Promise<T>,
  { timeoutMs = 20_000, maxPauseMs = 200, message }: WaitOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, maxPauseMs)) {
    const answer = await ask();
    if (answer !== false && answer !== null && answer !== undefined) {
      return answer as Exclude<T, false | null | undefined>;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `not within ${timeoutMs} ms: ${typeof message === "string" ? message : await message()}`,
      );
    }
    await sleep(pauseMs);
  }
}
