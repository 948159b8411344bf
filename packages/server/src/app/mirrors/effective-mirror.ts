import type { Mirror } from "../../domain/mirror.ts";
import type { Ports } from "../ports.ts";

/** Mirrors as they are shown: `enabled` is false too while mirroring is switched off for the whole instance. */
export async function asSeen(
  ports: Pick<Ports, "settings">,
  mirrors: readonly Mirror[],
): Promise<readonly Mirror[]> {
  if (mirrors.length === 0) return mirrors;
  const { mirrorAvailable } = await ports.settings.read();
  return mirrors.map((mirror) => ({ ...mirror, enabled: mirror.enabled && mirrorAvailable }));
}
