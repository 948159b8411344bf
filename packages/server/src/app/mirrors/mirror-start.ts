/** What became of the wish that a mirror be updated. */
export interface MirrorStart {
  /** `on-pause`: too many failures, and not forced; nothing was started. */
  readonly status: "queued" | "running" | "later" | "on-pause";
  readonly nextUpdateAt: Date | null;
}
