import { MIRROR_DIRECTIONS, type UpdateStatus } from "@heliostat/contract";
import { sql } from "kysely";
import type { ClientCertificate, MirrorChanges, MirrorStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { MirrorOptions } from "../domain/mirror.ts";
import { hostAndPortOf } from "../domain/remote-url.ts";
import { brokeReference } from "./broken-constraint.ts";
import { inTransaction } from "./in-transaction.ts";
import { readStoredRemote, type SecretSealer, sealClientKey, writeUnnamed } from "./mirror-credentials.ts";
import { selectMirrors, toMirror } from "./mirror-row.ts";
import { createScheduleStore } from "./mirror-schedule.ts";
import { createUpdateStore } from "./mirror-updates.ts";
import type { Db } from "./pool.ts";
import { prepare } from "./prepared.ts";
import { endRefusedRecords } from "./refused-records.ts";
import { isRunnable } from "./runnable-mirrors.ts";
import { beginSealing } from "./sealing-lock.ts";
import { createUpdateHistory } from "./update-history.ts";
import { endProbe } from "./update-places.ts";

/** The first half of the advisory locks that keep changes of one project's mirrors apart. Any number will do. */
const MIRRORS_OF_A_PROJECT = 1_001;

const OF_PROJECTS = prepare("mirrors-of-projects", (db) =>
  selectMirrors(db)
    .where(sql<boolean>`project_id = any(${[0]}::integer[]) and direction = any(${["pull"]}::text[])`)
    .orderBy("id"),
);

/**
 * Mirrors with their credentials, schedule and updates. Secrets are sealed before they are written, and never read
 * with the mirror.
 */
export function createMirrorStore(db: Db, secrets: SecretSealer): MirrorStore {
  return {
    ...endRefusedRecords(createUpdateStore(db)),
    ...createScheduleStore(db),
    ...createUpdateHistory(db),
    async create(mirror) {
      return await inSave(db, async (transaction) => {
        const row = await transaction
          .insertInto("mirrors")
          .values({
            project_id: mirror.projectId,
            direction: mirror.direction,
            enabled: mirror.enabled,
            url: mirror.url,
            remote_host: hostAndPortOf(mirror.url),
            url_had_userinfo: mirror.urlHadUserinfo,
            auth_method: mirror.authMethod,
            credential_id: mirror.credentialId ?? null,
            ...trustColumns(mirror),
            user_id: mirror.userId,
            // The first update is asked for after this, and comes before; should we die in between, this brings it.
            next_check_at: sql<Date>`now() + interval '1 minute'`,
            ...optionColumns(mirror.options),
          })
          .returning("id")
          .executeTakeFirstOrThrow();
        // The id is part of what is sealed, so that a sealed text cannot be moved to another row.
        await writeUnnamed(transaction, secrets, { id: row.id, url: mirror.url }, mirror.credential);
        if (mirror.clientCertificate) {
          await transaction
            .updateTable("mirrors")
            .set(clientCertificateColumns(secrets, row.id, mirror.clientCertificate))
            .where("id", "=", row.id)
            .execute();
        }
        return toMirror(await selectMirrors(transaction).where("id", "=", row.id).executeTakeFirstOrThrow());
      });
    },
    async find(id) {
      const row = await selectMirrors(db).where("id", "=", id).executeTakeFirst();
      return row ? toMirror(row) : null;
    },
    async listOf(projectId, direction) {
      const directions = direction === undefined ? MIRROR_DIRECTIONS : [direction];
      return (await OF_PROJECTS.read(db, [[projectId], directions])).map(toMirror);
    },
    async listPullMirrors(projectIds) {
      if (projectIds.length === 0) return [];
      return (await OF_PROJECTS.read(db, [projectIds, ["pull"]])).map(toMirror);
    },
    async listPullMirrorsOfUser(userId) {
      const rows = await selectMirrors(db)
        .where("user_id", "=", userId)
        .where("direction", "=", "pull")
        .orderBy("id")
        .execute();
      return rows.map(toMirror);
    },
    async listHindered() {
      const rows = await selectMirrors(db)
        .where("lease_token", "is not", null)
        .where(sql<boolean>`not ${isRunnable()}`)
        .execute();
      return rows.map(toMirror);
    },
    async changeMirrorsOf(projectId, change) {
      return await db.transaction().execute(async (transaction) => {
        // First: one that waits for it must not hold what another one waits for.
        await beginSealing(transaction);
        await sql`select pg_advisory_xact_lock(${MIRRORS_OF_A_PROJECT}, ${projectId})`.execute(transaction);
        // Checked by the caller, but somebody may have removed it meanwhile. From here on its removal waits for us.
        const project = await transaction
          .selectFrom("projects")
          .select("id")
          .where("id", "=", projectId)
          .forKeyShare()
          .executeTakeFirst();
        if (!project) throw new HeliostatError("not-found", "Project Not Found");
        return await change(createMirrorStore(transaction, secrets));
      });
    },
    async update(id, changes) {
      return await inSave(db, async (transaction) => {
        const row = await transaction
          .updateTable("mirrors")
          .set({
            enabled: changes.enabled,
            url: changes.url,
            remote_host: changes.url === undefined ? undefined : hostAndPortOf(changes.url),
            url_had_userinfo: changes.urlHadUserinfo,
            auth_method: changes.authMethod,
            credential_id: changes.credentialId,
            ...trustColumns(changes),
            ...clientCertificateColumns(secrets, id, changes.clientCertificate),
            user_id: changes.userId,
            ...(changes.credentialId !== undefined || Object.keys(changes.credential ?? {}).length > 0
              ? { lease_shows_old_secret: sql<boolean>`lease_token is not null` }
              : {}),
            ...optionColumns(changes.options ?? {}),
            // Other options want other refs: what was in step need not be any more.
            ...(changes.options ? { applied_digest: null } : {}),
            ...(changes.clearsError ? { last_error: null, last_error_code: null, retry_count: 0 } : {}),
            ...(changes.enabled === false ? { update_status: STATUS_OF_LAST_RUN } : {}),
            ...(changes.resetState ? FORGOTTEN_STATE : {}),
            // With its failures a mirror forgets its pause, and with its run what comes after it.
            ...(changes.clearsError || changes.resetState
              ? { next_check_at: sql<Date>`coalesce(next_check_at, now())` }
              : {}),
            updated_at: sql`now()`,
          })
          .where("id", "=", id)
          .returning(["id", "url"])
          .executeTakeFirst();
        if (!row) throw new HeliostatError("not-found", "The mirror was removed.");
        if (typeof changes.credentialId === "number") {
          await transaction.deleteFrom("credentials").where("mirror_id", "=", id).execute();
        } else if (changes.credential) {
          await writeUnnamed(transaction, secrets, row, changes.credential);
        }
        // One that is off, or asks another host now, is no probe of that host any more.
        if (changes.resetState || changes.enabled === false) await endProbe(transaction, id);
        return toMirror(await selectMirrors(transaction).where("id", "=", id).executeTakeFirstOrThrow());
      });
    },
    async remove(id) {
      await db.deleteFrom("mirrors").where("id", "=", id).execute();
    },
    async readRemote(id) {
      const remote = await readStoredRemote(db, secrets, id);
      if (!remote) throw new HeliostatError("not-found", "The mirror was removed.");
      return remote;
    },
  };
}

/**
 * What a mirror forgets when its remote becomes another one. A run that is under way is one of the old relation, and may
 * record nothing any more; it keeps the lease until it has ended, so that the new relation's first does not overlap it.
 *
 * Deviation: GitLab makes the status of such a push mirror `finished`. Clients that wait for the first update would take
 * it for done before it began; `none` is what they read of a new mirror, and wait. Other credentials for the same remote
 * change nothing of what was true: the status stays, and an update tries them.
 */
const FORGOTTEN_STATE = {
  update_status: "none",
  last_error: null,
  last_error_code: null,
  last_update_at: null,
  last_update_started_at: null,
  last_successful_update_at: null,
  retry_count: 0,
  applied_digest: null,
  applied_generation: null,
  last_changed_at: null,
  holds_refs: false,
  cancel_requested_at: null,
  cancel_requested_by: null,
  told_health: "good",
  // Another host has another hook.
  hook_received_at: null,
  hook_missed_count: 0,
  hook_missed_at: null,
  lease_superseded: sql<boolean>`lease_token is not null`,
} as const;

/** Runs `save` in a transaction; `model-invalid` when the named credential was removed meanwhile. */
async function inSave<T>(db: Db, save: (transaction: Db) => Promise<T>): Promise<T> {
  try {
    return await inTransaction(db, async (transaction) => {
      await beginSealing(transaction);
      return await save(transaction);
    });
  } catch (error) {
    if (!brokeReference(error, "mirrors_credential_id_fkey")) throw error;
    throw new HeliostatError("model-invalid", "credential_id does not exist", {
      fields: { credential_id: ["does not exist"] },
      cause: error,
    });
  }
}

/** One that is off waits for nothing: it reads as its last run left it. */
const STATUS_OF_LAST_RUN = sql<UpdateStatus>`case
  when update_status <> 'scheduled' then update_status
  when last_error is not null then 'failed'
  when last_successful_update_at is not null then 'finished'
  else 'none' end`;

function trustColumns({ knownHosts, caCertificates }: Pick<MirrorChanges, "knownHosts" | "caCertificates">) {
  return {
    ...(caCertificates === undefined ? {} : { ca_certificates: caCertificates }),
    ...(knownHosts === undefined
      ? {}
      : {
          known_hosts: knownHosts.text,
          host_keys_verified_at: knownHosts.verifiedBy === null ? null : sql<Date>`now()`,
          host_keys_verified_by: knownHosts.verifiedBy,
        }),
  };
}

function clientCertificateColumns(
  secrets: SecretSealer,
  id: number,
  client: ClientCertificate | null | undefined,
) {
  if (client === undefined) return {};
  if (client === null) return { client_certificate: null, client_key_sealed: null, client_key_key_id: null };
  return { client_certificate: client.certificate, ...sealClientKey(secrets, id, client.privateKey) };
}

function optionColumns(options: Partial<MirrorOptions>) {
  return {
    only_protected_branches: options.onlyProtectedBranches,
    branch_regex: options.branchRegex,
    keep_divergent_refs: options.keepDivergentRefs,
    overwrites_diverged_branches: options.overwritesDivergedBranches,
    trigger_builds: options.triggerBuilds,
    tags: options.tags,
    deletions: options.deletions,
    follow_default_branch: options.followDefaultBranch,
    interval_seconds: options.intervalSeconds,
    adaptive_interval: options.adaptiveInterval,
  };
}
