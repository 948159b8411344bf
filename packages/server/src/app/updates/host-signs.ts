import type { HeliostatError } from "../../domain/errors.ts";
import { hostSignOf } from "../../domain/host-breaker.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { hostAndPortOf } from "../../domain/remote-url.ts";
import type { Ports } from "../ports.ts";

type SignPorts = Pick<Ports, "clock" | "hosts" | "log" | "queue">;

/** These mirrors' hosts answered: what waited for a paused one runs from now on. */
export async function noteAnswers(
  ports: Pick<Ports, "clock" | "hosts" | "queue">,
  mirrors: readonly Mirror[],
): Promise<void> {
  const answers = mirrors.map(({ id, url }) => ({ host: hostAndPortOf(url), mirrorId: id }));
  const now = ports.clock.now();
  if (await ports.hosts.recordAnswers(answers, now)) ports.queue.wakeAt(now);
}

/** What a mirror's error means for its host, and for itself. */
interface HostSign {
  readonly hostIsPaused: boolean;
  /** It is not the mirror that failed: it waits with all others of its host. */
  readonly waitsForHost: boolean;
}

const NO_SIGN: HostSign = { hostIsPaused: false, waitsForHost: false };

/** Notes what a mirror's error says of its host, and answers what follows. */
export async function noteError(ports: SignPorts, mirror: Mirror, error: HeliostatError): Promise<HostSign> {
  const sign = hostSignOf(error.code);
  if (sign === null) return NO_SIGN;
  if (sign === "answer") {
    await noteAnswers(ports, [mirror]);
    return NO_SIGN;
  }
  const now = ports.clock.now();
  const { host, failures, pausedUntil } = await ports.hosts.recordFailure(hostAndPortOf(mirror.url), {
    error: error.message,
    now,
    mirrorId: mirror.id,
    retryAfterSeconds: error.retryAfterSeconds,
  });
  if (pausedUntil === null) return NO_SIGN;
  ports.log.warn({ host, failures, pausedUntil, reason: error.message }, "host paused: it does not answer");
  ports.queue.wakeAt(pausedUntil);
  return { hostIsPaused: true, waitsForHost: sign === "silence" };
}
