import { sql } from "kysely";
import type { SecondFactorStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { isLost } from "./lost-secrets.ts";
import type { SecretSealer } from "./mirror-credentials.ts";
import type { Db } from "./pool.ts";
import { beginSealing } from "./sealing-lock.ts";

const NOTHING = {
  totp_secret_sealed: null,
  totp_key_id: null,
  totp_begun_at: null,
  totp_confirmed_at: null,
  totp_last_step: null,
} as const;

/** Second factors, in the rows of their users; recovery codes in a table of their own. */
export function createSecondFactorStore(db: Db, secrets: SecretSealer): SecondFactorStore {
  return {
    async find(userId) {
      const row = await db
        .selectFrom("users")
        .select(["totp_secret_sealed", "totp_key_id", "totp_begun_at", "totp_confirmed_at"])
        .select(
          sql<number>`(select count(*)::integer from recovery_codes where user_id = users.id)`.as("codes"),
        )
        .where("id", "=", userId)
        .executeTakeFirst();
      if (!row || row.totp_secret_sealed === null) return null;
      return {
        secret: openUnlessLost(secrets, row, userId),
        begunAt: row.totp_begun_at,
        confirmedAt: row.totp_confirmed_at,
        recoveryCodes: row.codes,
      };
    },
    async begin(userId, secret, at) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const { numUpdatedRows } = await transaction
          .updateTable("users")
          .set({ ...NOTHING, ...sealTotpSecret(secrets, userId, secret), totp_begun_at: at })
          .where("id", "=", userId)
          .where("totp_confirmed_at", "is", null)
          .executeTakeFirstOrThrow();
        return numUpdatedRows > 0n;
      });
    },
    async confirm(userId, { secret, step, recoveryDigests, at }) {
      return await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom("users")
          .select(["totp_secret_sealed", "totp_key_id"])
          .where("id", "=", userId)
          .where("totp_confirmed_at", "is", null)
          .forNoKeyUpdate()
          .executeTakeFirst();
        if (!row || openUnlessLost(secrets, row, userId) !== secret) return false;
        await transaction
          .updateTable("users")
          .set({ totp_begun_at: null, totp_confirmed_at: at, totp_last_step: step })
          .where("id", "=", userId)
          .execute();
        await writeRecoveryCodes(transaction, userId, recoveryDigests);
        return true;
      });
    },
    async takeStep(userId, step) {
      // One statement: of two requests with one code the second waits for the first, and then finds its step taken.
      const { numUpdatedRows } = await db
        .updateTable("users")
        .set({ totp_last_step: step })
        .where("id", "=", userId)
        .where("totp_confirmed_at", "is not", null)
        .where((where) => where.or([where("totp_last_step", "is", null), where("totp_last_step", "<", step)]))
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
    async takeRecoveryCode(userId, digest) {
      const { numDeletedRows } = await db
        .deleteFrom("recovery_codes")
        .where("user_id", "=", userId)
        .where("digest", "=", digest)
        .executeTakeFirstOrThrow();
      return numDeletedRows > 0n;
    },
    async replaceRecoveryCodes(userId, digests) {
      await db.transaction().execute(async (transaction) => {
        // Two at once would leave the codes of both.
        await transaction
          .selectFrom("users")
          .select("id")
          .where("id", "=", userId)
          .forNoKeyUpdate()
          .execute();
        await writeRecoveryCodes(transaction, userId, digests);
      });
    },
    async removeUnconfirmed(before) {
      const { numUpdatedRows } = await db
        .updateTable("users")
        .set(NOTHING)
        .where("totp_begun_at", "<", before)
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },
    remove: (userId) => removeSecondFactor(db, userId),
    async listUsersWithout(keyIds) {
      const rows = await db
        .selectFrom("users")
        .select("username")
        .where("totp_confirmed_at", "is not", null)
        .where(isLost("totp_key_id", keyIds))
        .orderBy("username")
        .execute();
      return rows.map(({ username }) => username);
    },
  };
}

/** As `SecondFactorStore.remove`, which needs no key. */
export async function removeSecondFactor(db: Db, userId: number): Promise<boolean> {
  return await db.transaction().execute(async (transaction) => {
    const before = await transaction
      .selectFrom("users")
      .select("totp_confirmed_at")
      .where("id", "=", userId)
      .forNoKeyUpdate()
      .executeTakeFirst();
    await transaction.updateTable("users").set(NOTHING).where("id", "=", userId).execute();
    await transaction.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
    return Boolean(before?.totp_confirmed_at);
  });
}

/** Part of what is sealed, so that a sealed secret cannot be moved to another user. */
export function totpContext(userId: number): string {
  return `user:${userId}:totp`;
}

/** The columns of a sealed secret; they fit this user's row only. */
export function sealTotpSecret(
  secrets: SecretSealer,
  userId: number,
  secret: string,
): { totp_secret_sealed: Buffer; totp_key_id: string } {
  const { keyId, sealed } = secrets.seal(secret, totpContext(userId));
  return { totp_secret_sealed: sealed, totp_key_id: keyId };
}

async function writeRecoveryCodes(
  transaction: Db,
  userId: number,
  digests: readonly Buffer[],
): Promise<void> {
  await transaction.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
  await transaction
    .insertInto("recovery_codes")
    .values(digests.map((digest) => ({ user_id: userId, digest })))
    .execute();
}

/** Null where it does not open: whoever it belongs to has recovery codes for that. */
function openUnlessLost(
  secrets: SecretSealer,
  row: { readonly totp_secret_sealed: Buffer | null; readonly totp_key_id: string | null },
  userId: number,
): string | null {
  if (row.totp_secret_sealed === null || row.totp_key_id === null) return null;
  try {
    return secrets.open({ sealed: row.totp_secret_sealed, keyId: row.totp_key_id }, totpContext(userId));
  } catch (error) {
    if (error instanceof HeliostatError && error.code === "secret-unreadable") return null;
    throw error;
  }
}
