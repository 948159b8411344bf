import type { MirrorDirection } from "@heliostat/contract";

/** All mirrors that somebody may see, at one look. */
export interface MirrorOverview {
  readonly mirrors: readonly DirectionCounts[];
  /** Enabled mirrors that were due and have not begun; in seconds since then. */
  readonly late: { readonly count: number; readonly p50: number; readonly p95: number; readonly max: number };
  /** Updates that came to an end in the last hour. */
  readonly lastHour: {
    readonly finished: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly bytes: number;
  };
}

/** Mirrors of one direction. One may count in several. */
export interface DirectionCounts {
  readonly direction: MirrorDirection;
  readonly total: number;
  readonly enabled: number;
  readonly inStep: number;
  readonly running: number;
  readonly waiting: number;
  readonly failing: number;
  readonly paused: number;
  readonly neverUpdated: number;
}
