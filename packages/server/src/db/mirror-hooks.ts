import { sql } from "kysely";
import type { MirrorHookStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { HOOK_GRACE_MS } from "../domain/hook-state.ts";
import type { SecretSealer } from "./mirror-credentials.ts";
import type { Db } from "./pool.ts";
import { beginSealing } from "./sealing-lock.ts";

const NEVER_TOLD = { hook_received_at: null, hook_missed_count: 0, hook_missed_at: null } as const;

export function createMirrorHookStore(db: Db, secrets: SecretSealer): MirrorHookStore {
  return {
    async writeSecret(mirrorId, secret, userId) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const columns = {
          ...sealMirrorHookSecret(secrets, mirrorId, secret),
          created_by: userId,
          created_at: sql<Date>`now()`,
        };
        const row = await transaction
          .insertInto("mirror_hook_secrets")
          .values({ mirror_id: mirrorId, ...columns })
          .onConflict((conflict) => conflict.column("mirror_id").doUpdateSet(columns))
          .returning("created_at")
          .executeTakeFirstOrThrow();
        return { createdAt: row.created_at };
      });
    },
    async removeSecret(mirrorId) {
      const { numDeletedRows } = await db
        .deleteFrom("mirror_hook_secrets")
        .where("mirror_id", "=", mirrorId)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    async forget(mirrorId) {
      await db.updateTable("mirrors").set(NEVER_TOLD).where("id", "=", mirrorId).execute();
    },
    async findHooked(projectId, which) {
      const row = await db
        .selectFrom("mirrors")
        .leftJoin("mirror_hook_secrets as hook", "hook.mirror_id", "mirrors.id")
        .select(["mirrors.id", "mirrors.direction", "hook.secret_sealed", "hook.secret_key_id"])
        .where("mirrors.project_id", "=", projectId)
        .where((where) =>
          which === "pull" ? where("mirrors.direction", "=", "pull") : where("mirrors.id", "=", which),
        )
        .executeTakeFirst();
      if (!row) return null;
      const { id, direction, secret_sealed: sealed, secret_key_id: keyId } = row;
      const secret =
        sealed === null || keyId === null ? null : openUnlessLost(secrets, { sealed, keyId }, id);
      return { id, direction, secret };
    },
    async wasReceived(mirrorId, digest) {
      const row = await db
        .selectFrom("mirror_hook_messages")
        .select("mirror_id")
        .where("mirror_id", "=", mirrorId)
        .where("digest", "=", digest)
        .executeTakeFirst();
      return row !== undefined;
    },
    async noteReceived(mirrorId, at, digest) {
      const inTime = new Date(at.getTime() - HOOK_GRACE_MS);
      await db
        .updateTable("mirrors")
        .set({
          hook_received_at: at,
          hook_missed_count: 0,
          // It is the one of the change that polling was quicker to find.
          hook_missed_at: sql<Date | null>`case when hook_missed_at <= ${inTime} then hook_missed_at end`,
        })
        .where("id", "=", mirrorId)
        .execute();
      if (digest === null) return;
      await db
        .insertInto("mirror_hook_messages")
        .values({ mirror_id: mirrorId, digest, received_at: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },
    async noteReplay(mirrorId, at, checkAt) {
      await db
        .updateTable("mirrors")
        .set({
          hook_received_at: at,
          next_check_at: sql<Date | null>`case when next_check_at > ${checkAt} then ${checkAt} else next_check_at end`,
        })
        .where("id", "=", mirrorId)
        .execute();
    },
    async noteFound(mirrorId, at, inStepAt) {
      if (inStepAt === null) return;
      await db
        .updateTable("mirrors")
        .set({ hook_missed_count: sql<number>`hook_missed_count + 1`, hook_missed_at: at })
        .where("id", "=", mirrorId)
        .where("direction", "=", "pull")
        .where("hook_received_at", "<=", inStepAt)
        .execute();
    },
    async count(now) {
      const inTime = new Date(now.getTime() - HOOK_GRACE_MS);
      return await db
        .selectFrom("mirrors")
        .where("direction", "=", "pull")
        .where("enabled", "=", true)
        .where("hook_received_at", "is not", null)
        .select([
          sql<number>`count(*)::integer`.as("hooked"),
          // As `judgeHook` has it.
          sql<number>`(count(*) filter (
            where hook_missed_count > case when hook_missed_at > ${inTime} then 1 else 0 end))::integer`.as(
            "missing",
          ),
        ])
        .executeTakeFirstOrThrow();
    },
    async removeOldMessages(before) {
      const { numDeletedRows } = await db
        .deleteFrom("mirror_hook_messages")
        .where("received_at", "<", before)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

/** Part of what is sealed, so that a sealed secret cannot be moved to another mirror. */
export function mirrorHookSecretContext(mirrorId: number): string {
  return `mirror:${mirrorId}:hook-secret`;
}

/** The columns of a hook secret. */
export function sealMirrorHookSecret(
  secrets: SecretSealer,
  mirrorId: number,
  secret: string,
): { secret_sealed: Buffer; secret_key_id: string } {
  const { keyId, sealed } = secrets.seal(secret, mirrorHookSecretContext(mirrorId));
  return { secret_sealed: sealed, secret_key_id: keyId };
}

/** Null where it does not open: nothing is known by it until somebody gives another one. */
function openUnlessLost(
  secrets: SecretSealer,
  secret: Parameters<SecretSealer["open"]>[0],
  mirrorId: number,
): string | null {
  try {
    return secrets.open(secret, mirrorHookSecretContext(mirrorId));
  } catch (error) {
    if (error instanceof HeliostatError && error.code === "secret-unreadable") return null;
    throw error;
  }
}
