import type { AttentionReason } from "@heliostat/contract";
import type { Mirror } from "../../domain/mirror.ts";
import type { MirrorOverview } from "../../domain/mirror-overview.ts";
import type { Viewer } from "../../domain/user.ts";
import type { Page, Paged } from "./instance.ts";

/** A mirror, and why it waits for somebody: the weightiest reason first. */
export interface MirrorWithReasons {
  readonly mirror: Mirror;
  readonly reasons: readonly AttentionReason[];
}

/** Mirrors of all projects at once. */
export interface MirrorAttention {
  /** Those whose settings this user may see, by project. `waiting`: only those that wait for somebody. */
  list(
    filter: {
      readonly visibleTo: Viewer;
      readonly waiting: boolean;
      readonly now: Date;
      /** The keys of the secrets file. */
      readonly keyIds: readonly string[];
    },
    page: Page,
  ): Promise<Paged<MirrorWithReasons>>;
}

/** Counts over the mirrors of all projects. */
export interface MirrorOverviewStore {
  /** Of those whose settings this user may see. */
  read(visibleTo: Viewer, now: Date): Promise<MirrorOverview>;
}
