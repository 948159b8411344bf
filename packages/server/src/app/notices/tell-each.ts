import type { Ports } from "../ports.ts";

/**
 * Tells of each of these things, one after the other, until the signal fires. The others are told of all the same where
 * one cannot be; that one is logged, and tried again the next time.
 */
export async function tellEach<T>(
  ports: Pick<Ports, "log">,
  things: readonly T[],
  { tell, fieldsOf }: { tell(thing: T): Promise<void>; fieldsOf(thing: T): Readonly<Record<string, number>> },
  signal: AbortSignal,
): Promise<void> {
  for (const thing of things) {
    if (signal.aborted) return;
    try {
      await tell(thing);
    } catch (error) {
      ports.log.warn({ ...fieldsOf(thing), err: error }, "an expiry could not be told");
    }
  }
}
