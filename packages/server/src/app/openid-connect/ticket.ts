import { HeliostatError } from "../../domain/errors.ts";
import type { Ports, SignInChecks } from "../ports.ts";

/** What a browser keeps while it is at the provider. */
export interface Ticket {
  readonly checks: SignInChecks;
  /** Not null: it went there to connect this user, not to sign in. */
  readonly connectsUserId: number | null;
}

const PURPOSE = "oidc-ticket";

/** As long as somebody may take at the provider, with a password to look up. */
export const TICKET_GOOD_MS = 10 * 60_000;

/** A ticket as a text that nobody but us can read or make. */
export function sealTicket({ seals, clock }: Pick<Ports, "seals" | "clock">, ticket: Ticket): string {
  const { state, nonce, codeVerifier } = ticket.checks;
  const parts = [clock.now().getTime() + TICKET_GOOD_MS, ticket.connectsUserId ?? 0];
  return seals.seal([...parts, state, nonce, codeVerifier].join(" "), PURPOSE);
}

/** `sign-in-expired` when it is none of ours, too old, or there is none. */
export function openTicket({ seals, clock }: Pick<Ports, "seals" | "clock">, sealed: string | null): Ticket {
  const text = sealed === null ? null : seals.open(sealed, PURPOSE);
  const [until, userId, state, nonce, codeVerifier] = text?.split(" ") ?? [];
  if (!state || !nonce || !codeVerifier || !(Number(until) > clock.now().getTime())) {
    throw new HeliostatError(
      "sign-in-expired",
      "This sign-in was not begun in this browser, was used before, or took longer than ten minutes. Begin again.",
    );
  }
  return {
    checks: { state, nonce, codeVerifier },
    connectsUserId: userId === "0" ? null : Number(userId),
  };
}
