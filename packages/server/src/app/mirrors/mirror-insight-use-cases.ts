import type { MirrorExplanation, UpdatePlaces } from "../../domain/explain-mirror.ts";
import type { ListedUpdate, Mirror, MirrorOptions } from "../../domain/mirror.ts";
import type { MirrorOverview } from "../../domain/mirror-overview.ts";
import type { UpdatePreview } from "../../domain/update-preview.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";

/** What people want to know of mirrors beyond their settings and history. */
export interface MirrorInsightUseCases {
  /** Why the mirror does not run, or is late, and the last five attempts. For those who may see its settings. */
  explainMirror(principal: Principal, project: PathOrId, mirrorId: number): Promise<ExplainedMirror>;
  /** All mirrors that the principal may see, at one look. */
  readMirrorOverview(principal: Principal): Promise<MirrorOverviewView>;
  /**
   * What an update would do now, with these options in the place of its own. No ref changes on either side; of a pull the
   * objects are fetched that it takes to tell, as the update would fetch them. For those who may change the mirror; it
   * counts as a test of a connection.
   */
  previewMirror(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    options: Partial<MirrorOptions>,
    signal: AbortSignal,
  ): Promise<UpdatePreview>;
}

export interface ExplainedMirror {
  readonly mirror: Mirror;
  readonly explanation: MirrorExplanation;
  readonly places: UpdatePlaces;
  /** The newest first. */
  readonly lastUpdates: readonly ListedUpdate[];
}

export interface MirrorOverviewView extends MirrorOverview {
  readonly at: Date;
  /** For admins; null for others. */
  readonly hostsPaused: number | null;
  readonly silentMode: boolean;
}
