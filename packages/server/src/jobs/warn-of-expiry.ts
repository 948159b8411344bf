import { type ExpiryPorts, tellExpiries } from "../app/credentials/tell-expiries.ts";
import { repeat } from "./repeat.ts";

const EVERY_MS = 3600_000;

/** Tells of credentials that expire, at once and then every hour, in the background. Answers how to stop that. */
export function warnOfExpiry(ports: ExpiryPorts): () => Promise<void> {
  return repeat(ports.clock, EVERY_MS, async (signal) => {
    try {
      await tellExpiries(ports, signal);
    } catch (error) {
      ports.log.warn({ err: error }, "the expiry of credentials could not be told");
    }
  });
}
