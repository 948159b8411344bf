import type { MirrorInsightUseCases } from "../../../app/mirrors/mirror-insight-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";

/** Nothing is known of any mirror: what there is to know comes from the schedule, and is tested with it. */
export function mirrorInsightInMemory(): MirrorInsightUseCases {
  const missing = async () => {
    throw new HeliostatError("not-found", "Not found");
  };
  return {
    explainMirror: missing,
    previewMirror: missing,
    readMirrorOverview: async () => ({
      at: new Date(0),
      mirrors: [],
      late: { count: 0, p50: 0, p95: 0, max: 0 },
      lastHour: { finished: 0, failed: 0, cancelled: 0, bytes: 0 },
      hostsPaused: null,
      silentMode: false,
    }),
  };
}
