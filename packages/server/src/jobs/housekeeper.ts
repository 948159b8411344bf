import type { Clock, Log, ProjectStore, Repositories } from "../app/ports.ts";
import { createSlots } from "../slots.ts";

/** Writes come in bursts: the first of them waits so long for the others. */
const SETTLE_MS = 1_000;
/** On one node, whatever waits: two large repositories must not hold up all small ones. */
const AT_ONCE = 2;
/** A node that died gives its repository free by silence. */
const LEASE_MS = 60_000;
/** What failed fails again: a full disk, a broken repository. */
const REST_AFTER_FAILURE_MS = 10 * 60_000;

export interface Housekeeper {
  /** Somebody wrote to this project's repository: returns at once, and puts it in order if that is due. */
  noteWrite(projectId: number): void;
  /** Ends what is under way, which does no harm, and resolves when its processes are gone. */
  stop(): Promise<void>;
}

export interface HousekeeperPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly projects: Pick<ProjectStore, "claimHousekeeping" | "endHousekeeping">;
  readonly repositories: Pick<Repositories, "pathOf" | "keepHouse">;
}

/**
 * Puts repositories in order after they were written to, behind everybody's back: a repository at most once at a time
 * over all nodes, at the lowest priority, and only when a cheap look says that it is worth it. It does not wait for the
 * project's updates to end, and they do not wait for it: `git/maintain.ts` says why neither can hurt the other.
 */
export function createHousekeeper(ports: HousekeeperPorts): Housekeeper {
  const { clock, log, projects, repositories } = ports;
  const stopping = new AbortController();
  const slots = createSlots(AT_ONCE);
  const waiting = new Set<number>();
  const restsUntil = new Map<number, number>();
  const underWay = new Set<Promise<void>>();

  async function keep(projectId: number): Promise<void> {
    const giveBack = await slots.take(stopping.signal).catch(() => null);
    // From here on, a write is one that this look may not see.
    waiting.delete(projectId);
    if (giveBack === null) return;
    try {
      if ((restsUntil.get(projectId) ?? 0) > clock.now().getTime()) return;
      restsUntil.delete(projectId);
      const began = performance.now();
      const path = repositories.pathOf(projectId);
      const done = await repositories.keepHouse(path, stopping.signal, (work) => alone(projectId, work));
      const ms = Math.round(performance.now() - began);
      if (done) log.info({ projectId, ms }, "repository put in order");
    } catch (error) {
      if (stopping.signal.aborted) return;
      restsUntil.set(projectId, clock.now().getTime() + REST_AFTER_FAILURE_MS);
      log.warn({ projectId, err: error }, "a repository could not be put in order");
    } finally {
      giveBack();
    }
  }

  /** Runs `work` unless another node is at this repository. */
  async function alone(projectId: number, work: () => Promise<void>): Promise<boolean> {
    const claim = (isRenewal: boolean) => {
      const now = clock.now();
      const until = new Date(now.getTime() + LEASE_MS);
      return projects.claimHousekeeping(projectId, { now, until, isRenewal });
    };
    if (!(await claim(false))) return false;
    const renewal = setInterval(() => {
      // Should it lapse, another node may join in, which does no harm.
      claim(true).catch((error: unknown) => log.warn({ projectId, err: error }, "lease not renewed"));
    }, LEASE_MS / 3);
    try {
      await work();
      return true;
    } finally {
      clearInterval(renewal);
      await projects.endHousekeeping(projectId);
    }
  }

  return {
    noteWrite(projectId) {
      if (stopping.signal.aborted || waiting.has(projectId)) return;
      waiting.add(projectId);
      clock.after(SETTLE_MS, () => {
        const keeping = keep(projectId).finally(() => underWay.delete(keeping));
        underWay.add(keeping);
      });
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}
