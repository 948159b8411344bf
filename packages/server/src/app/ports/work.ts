import type { UpdateProgress } from "../../domain/mirror.ts";

/** How far the updates on this node are. Those of other nodes are in `MirrorStore`, up to a second behind. */
export interface ProgressBoard {
  /** Puts a run on the board. */
  begin(run: { readonly mirrorId: number; readonly updateId: number }): ProgressNote;
  /** The last word on this update; null when it does not run here, or has said nothing yet. */
  read(updateId: number): UpdateProgress | null;
  /** Calls back whenever there is news of this mirror's updates on this node; answers how to stop that. */
  watch(mirrorId: number, onNews: () => void): () => void;
}

/** One run's place on the board. */
export interface ProgressNote {
  report(progress: UpdateProgress): void;
  /** Takes it down. Called once the end is recorded, so that who is told of it finds it. */
  end(): void;
}

/** Keeps repositories quick, however many small writes they take. */
export interface Housekeeping {
  /** Somebody wrote to this project's repository. Returns at once; whatever follows is done in the background. */
  noteWrite(projectId: number): void;
}

/** Work to do now. What must survive is in `MirrorStore`; losing the queue loses nothing. */
export interface UpdateQueue {
  /** Puts an update of this mirror on the queue, unless one is waiting there already. */
  send(mirrorId: number): Promise<void>;
  /** Makes the dispatcher look for wishes and due mirrors no later than `at`. */
  wakeAt(at: Date): void;
  /** Ends the run of this mirror on this node, if there is one, and waits until its processes are gone. */
  cancel(mirrorId: number): Promise<void>;
}
