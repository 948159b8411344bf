import type { MirrorDirection } from "@heliostat/contract";
import type { Mirror } from "./mirror.ts";
import type { Project } from "./project.ts";

/** The settings of the instance that stop mirrors. */
export interface MirroringSwitches {
  readonly mirrorAvailable: boolean;
  readonly silentModeEnabled: boolean;
}

/** What keeps an update from running, or ended one that ran. */
export type Hindrance = "disabled" | "silent-mode" | "archived" | "unavailable";

/** Why an update ended that a switch stopped. */
export const STOPPED_BY: Readonly<Record<Hindrance, string>> = {
  disabled: "The update was stopped: the mirror was switched off.",
  "silent-mode": "The update was stopped: Silent Mode was switched on. It runs when that ends.",
  archived: "The update was stopped: the project was archived.",
  unavailable: "The update was stopped: mirroring was switched off by an administrator.",
};

type MirroredProject = Pick<Project, "archived" | "pullMirrorAvailable" | "pushMirrorsAvailable">;

/** Whether a project may have mirrors of this direction: by the instance, or by an override of its own. */
export function isMirroringAvailable(
  direction: MirrorDirection,
  project: MirroredProject,
  { mirrorAvailable }: MirroringSwitches,
): boolean {
  const override = direction === "pull" ? project.pullMirrorAvailable : project.pushMirrorsAvailable;
  return mirrorAvailable || override === true;
}

/** `enabled` as GitLab answers it: for a push mirror false in Silent Mode too. */
export function isEffectivelyEnabled(
  mirror: Pick<Mirror, "direction" | "enabled">,
  project: MirroredProject,
  switches: MirroringSwitches,
): boolean {
  if (!mirror.enabled || !isMirroringAvailable(mirror.direction, project, switches)) return false;
  return mirror.direction === "pull" || !switches.silentModeEnabled;
}

/** Why an update of an enabled mirror may not be started now, in a sentence for whoever starts it; null: it may. */
export function refusalToStart(
  direction: MirrorDirection,
  project: MirroredProject,
  switches: MirroringSwitches,
): string | null {
  if (project.archived) {
    return `This project is archived and read-only. To resume ${direction} mirroring, unarchive the project.`;
  }
  if (switches.silentModeEnabled) {
    return "Silent Mode is on: nothing is mirrored until an administrator switches it off.";
  }
  return null;
}
