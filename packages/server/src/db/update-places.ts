import { type Kysely, sql, type Transaction } from "kysely";
import type { UpdatePlaces } from "../domain/explain-mirror.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** Any number: whoever takes a place for an update holds this lock until the end of its transaction. */
const PLACES_LOCK = 7_355_608;

/** A probe that says neither yes nor no within this time is given up, and another mirror may be the next. */
const PROBE_MS = 150_000;

/** What is asked of the place of one update. */
interface Candidate {
  readonly id: number;
  readonly direction: "pull" | "push";
  readonly host: string;
  /** A person asked: they need not wait for the end of a pause. */
  readonly isManual: boolean;
}

/**
 * Whether one more update may start now: the limits on pull updates and on updates of one host hold over all nodes,
 * because whoever counts holds a lock that others wait for. On a paused host the mirror becomes its probe, or waits.
 */
export async function takePlace(
  transaction: Transaction<Database>,
  candidate: Candidate,
  now: Date,
): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(${PLACES_LOCK})`.execute(transaction);
  const running = await countRunning(transaction, candidate.host);
  const limits = await readLimits(transaction);
  if (candidate.direction === "pull" && running.pulls >= limits.pulls) return false;
  if (running.ofHost >= limits.perHost) return false;
  return await admitToHost(transaction, candidate, now);
}

/** How many updates run now, and how many may; only to be shown, for it is old when it is read. */
export async function readPlaces(db: Db, host: string): Promise<UpdatePlaces> {
  const [running, limits] = await Promise.all([countRunning(db, host), readLimits(db)]);
  return { ...running, maxPulls: limits.pulls, maxOfHost: limits.perHost };
}

async function countRunning(db: Db, host: string): Promise<Pick<UpdatePlaces, "pulls" | "ofHost">> {
  return await db
    .selectFrom("mirrors")
    .where("lease_token", "is not", null)
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere("direction", "=", "pull").as("pulls"),
      fn.countAll<number>().filterWhere("remote_host", "=", host).as("ofHost"),
    ])
    .executeTakeFirstOrThrow();
}

/** An instance that was never started has no limits yet. */
export async function readLimits(db: Kysely<Database>): Promise<{ pulls: number; perHost: number }> {
  const row = await db
    .selectFrom("instance_settings")
    .select(["mirror_max_capacity", "mirror_max_updates_per_host"])
    .executeTakeFirst();
  const none = Number.MAX_SAFE_INTEGER;
  return { pulls: row?.mirror_max_capacity ?? none, perHost: row?.mirror_max_updates_per_host ?? none };
}

async function admitToHost(
  transaction: Transaction<Database>,
  { id, host, isManual }: Candidate,
  now: Date,
): Promise<boolean> {
  const paused = await transaction
    .selectFrom("remote_hosts")
    .select(["paused_until", "probe_mirror_id", "probe_expires_at"])
    .where("host", "=", host)
    .where("paused_until", "is not", null)
    .forUpdate()
    .executeTakeFirst();
  if (!paused?.paused_until) return true;
  // A probe whose mirror was removed asks nothing any more.
  const isProbed =
    paused.probe_mirror_id !== null && paused.probe_expires_at !== null && paused.probe_expires_at > now;
  // Its check was the probe, and led to this update.
  const isItsProbe = isProbed && paused.probe_mirror_id === id;
  if (!isItsProbe && (isProbed || (paused.paused_until > now && !isManual))) return false;
  await beginProbe(transaction, host, id, now);
  return true;
}

/** From now on, and for a while, this mirror alone may try the host. */
export async function beginProbe(
  transaction: Transaction<Database>,
  host: string,
  mirrorId: number,
  now: Date,
): Promise<void> {
  await transaction
    .updateTable("remote_hosts")
    .set({ probe_mirror_id: mirrorId, probe_expires_at: new Date(now.getTime() + PROBE_MS) })
    .where("host", "=", host)
    .execute();
}

/** The mirror is no probe any more, whatever it found: the next may be one. */
export async function endProbe(transaction: Kysely<Database>, mirrorId: number): Promise<void> {
  await transaction
    .updateTable("remote_hosts")
    .set({ probe_mirror_id: null, probe_expires_at: null })
    .where("probe_mirror_id", "=", mirrorId)
    .execute();
}
