import type { Mirror } from "../../domain/mirror.ts";
import type { Ports } from "../ports.ts";
import { requestUpdate } from "./request-update.ts";

/**
 * What these mirrors go by has changed beside their own options, at this user's hand: none of them is in step any more,
 * though its remote need not have moved, and those that are on are updated.
 */
export async function lookAgain(
  ports: Pick<Ports, "clock" | "mirrors" | "queue">,
  mirrors: readonly Mirror[],
  userId: number | null,
): Promise<void> {
  for (const mirror of mirrors) {
    // None of its options, so that one that somebody sets meanwhile stays set.
    await ports.mirrors.update(mirror.id, { options: {} });
    if (mirror.enabled) await requestUpdate(ports, mirror, "configured", { userId });
  }
}
