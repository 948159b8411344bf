import { type MirrorAnswer, mirrorSchema, mirrorUpdateSchema } from "@heliostat/contract/api/mirrors.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { ApiClient } from "../../connection/api-client.ts";

/** How often is looked whether the update that is waited for will still come. */
const LOOK_MS = 2000;

/** A wish that is due this much later than now is none: the mirror only waits for its next look at the remote. */
const SOON_MS = 5000;

/** Fires when no update with an id above `after` will come by itself soon, with the reason in a sentence. */
export function watchForNoUpdate(api: ApiClient, path: string, after: number) {
  const stop = new AbortController();
  const timer = setInterval(() => {
    whyNone(api, path, after).then(
      (why) => {
        if (why !== null) stop.abort(new HeliostatError("model-invalid", why));
      },
      // The stream meets the same trouble, and says so.
      () => undefined,
    );
  }, LOOK_MS);
  return { signal: stop.signal, stop: () => clearInterval(timer) };
}

async function whyNone(api: ApiClient, path: string, after: number): Promise<string | null> {
  const mirror = mirrorSchema.parse(await api.call("GET", path));
  // Second, so that what began in between is seen.
  const [newest] = mirrorUpdateSchema.array().parse(await api.call("GET", `${path}/updates?per_page=1`));
  if ((newest?.id ?? 0) > after || mirror.update_status === "started") return null;
  if (!mirror.enabled) return "No update will come: the mirror is disabled, or mirroring is switched off.";
  if (mirror.paused)
    return "No update will come: the mirror is paused for its failures. Start it with --force.";
  if (mirror.next_update_at === null)
    return "No update will come for now: Silent Mode (silent_mode_enabled) is on, mirroring is switched off (mirror_available), or the project is archived.";
  return isWished(mirror) ? null : "No update will come for now: the one that was asked for was cancelled.";
}

function isWished({ direction, update_status, host_paused_until, next_update_at }: MirrorAnswer): boolean {
  if (direction === "pull") return update_status === "scheduled" || update_status === "to_retry";
  if (update_status === "to_retry" || host_paused_until !== null || next_update_at === null) return true;
  return Date.parse(next_update_at) < Date.now() + SOON_MS;
}
