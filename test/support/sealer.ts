import { randomBytes } from "node:crypto";
import { createSealer } from "../../packages/server/src/secrets/sealer.ts";

/** A sealer with one key that nobody else has. */
export function createTestSealer(id = "k"): ReturnType<typeof createSealer> {
  const key = randomBytes(32);
  return createSealer({ sealingKey: () => ({ id, key }), find: (wanted) => (wanted === id ? key : null) });
}
