import { type ExpiryPorts, tellExpiries } from "../app/credentials/tell-expiries.ts";
import { type TokenExpiryPorts, tellTokenExpiries } from "../app/tokens/tell-token-expiries.ts";
import { repeat } from "./repeat.ts";

const EVERY_MS = 3600_000;

/**
 * Tells of credentials and access tokens that expire, at once and then every hour, in the background. Answers how to stop
 * that.
 */
export function warnOfExpiry(ports: ExpiryPorts & TokenExpiryPorts): () => Promise<void> {
  async function warn(of: string, tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } catch (error) {
      ports.log.warn({ err: error }, `the expiry of ${of} could not be told`);
    }
  }

  return repeat(ports.clock, EVERY_MS, async (signal) => {
    await warn("credentials", () => tellExpiries(ports, signal));
    await warn("access tokens", () => tellTokenExpiries(ports, signal));
  });
}
