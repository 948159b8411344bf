import type { Mirror } from "./mirror.ts";

/**
 * Seconds between two looks at a mirror's remote: what the mirror says, never less than the instance allows, else the
 * instance's. Adaptive: half the time since something last changed (GitLab has no such thing), so that who changes
 * often is looked at often, and who is silent costs little; no longer than `mirrorMaxDelay` minutes.
 */
export function checkInterval(
  mirror: Pick<Mirror, "direction" | "options" | "lastChangedAt" | "createdAt">,
  instance: {
    readonly pullMirrorIntervalSeconds: number;
    readonly pullMirrorMinIntervalSeconds: number;
    readonly mirrorMaxDelay: number;
  },
  now: Date,
): number {
  const { adaptiveInterval, intervalSeconds } = mirror.options;
  if (mirror.direction === "push") return instance.pullMirrorIntervalSeconds;
  // An instance that allows any interval still does not mean one check after the other without a pause.
  const least = Math.max(instance.pullMirrorMinIntervalSeconds, 1);
  if (adaptiveInterval) {
    const changed = mirror.lastChangedAt ?? mirror.createdAt;
    const half = (now.getTime() - changed.getTime()) / 2000;
    return Math.max(Math.min(half, instance.mirrorMaxDelay * 60), least);
  }
  if (intervalSeconds !== null) return Math.max(intervalSeconds, least);
  return instance.pullMirrorIntervalSeconds;
}
