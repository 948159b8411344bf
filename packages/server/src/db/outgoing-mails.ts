import { sql } from "kysely";
import type { Mail, MailOutbox } from "../app/ports.ts";
import type { Db } from "./pool.ts";

/**
 * The mails that wait, those that were sent and those that were given up. `onPut` is called when there is something
 * to send.
 */
export function createMailOutbox(db: Db, options: { readonly onPut: () => void }): MailOutbox {
  async function insert(into: Db, mails: readonly Mail[], now: Date): Promise<void> {
    if (mails.length === 0) return;
    await into
      .insertInto("outgoing_mails")
      .values(
        mails.map((mail) => ({
          recipient: mail.recipient,
          subject: mail.subject,
          body_text: mail.text,
          body_html: mail.html,
          created_at: now,
          next_attempt_at: now,
        })),
      )
      .execute();
  }

  /** What `note` changes is what tells one of two nodes that it is the first: its row's lock lets one through. */
  async function tellOnce(
    note: (transaction: Db) => Promise<object | undefined>,
    mails: readonly Mail[],
    now: Date,
  ): Promise<boolean> {
    const isNews = await db.transaction().execute(async (transaction) => {
      if ((await note(transaction)) === undefined) return false;
      await insert(transaction, mails, now);
      return true;
    });
    if (isNews) options.onPut();
    return isNews;
  }

  return {
    async tellHealth({ mirrorId, updateId, health }, mails, now) {
      const note = (transaction: Db) =>
        transaction
          .updateTable("mirrors")
          .set({ told_health: health })
          .where("id", "=", mirrorId)
          .where("told_health", "!=", health)
          // A run that failed by a secret that is replaced says nothing: the mirror has forgotten it, and another waits.
          .where(
            sql<boolean>`(${health} = 'good' or last_error is not null or retry_count > 0 or requested_at is null)`,
          )
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom("mirror_updates")
                  .select("id")
                  .where("mirror_id", "=", mirrorId)
                  .where("id", ">", updateId)
                  // One that was cancelled says nothing of the mirror's health.
                  .where("status", "in", ["finished", "failed"]),
              ),
            ),
          )
          .returning("id")
          .executeTakeFirst();
      return await tellOnce(note, mails, now);
    },
    async tellExpiry({ credentialId, expiresAt, news }, mails, now) {
      const note = (transaction: Db) =>
        transaction
          .updateTable("credentials")
          .set({ told_expires_at: expiresAt, told_expiry: news })
          .where("id", "=", credentialId)
          .where("expires_at", "=", expiresAt)
          .where(
            sql<boolean>`(told_expires_at is distinct from ${expiresAt} or told_expiry is distinct from ${news})`,
          )
          .returning("id")
          .executeTakeFirst();
      return await tellOnce(note, mails, now);
    },
    async tellTokenExpiry(tokenId, mails, now) {
      const note = (transaction: Db) =>
        transaction
          .updateTable("access_tokens")
          .set({ expiry_told: true })
          .where("id", "=", tokenId)
          .where("expiry_told", "=", false)
          .where("revoked", "=", false)
          .returning("id")
          .executeTakeFirst();
      return await tellOnce(note, mails, now);
    },
    async put(mails, now) {
      await insert(db, mails, now);
      options.onPut();
    },
    async claimDue(now, until, limit) {
      const rows = await db
        .updateTable("outgoing_mails")
        .set({ next_attempt_at: until })
        .where((where) =>
          where(
            "id",
            "in",
            where
              .selectFrom("outgoing_mails")
              .select("id")
              .where("next_attempt_at", "<=", now)
              .orderBy("next_attempt_at")
              .limit(limit)
              .forUpdate()
              .skipLocked(),
          ),
        )
        .returningAll()
        .execute();
      return rows.map((row) => ({
        id: row.id,
        recipient: row.recipient,
        subject: row.subject,
        text: row.body_text,
        html: row.body_html,
        attempts: row.attempts,
        createdAt: row.created_at,
      }));
    },
    async recordSent(id, now) {
      await db
        .updateTable("outgoing_mails")
        .set((column) => ({
          attempts: column("attempts", "+", 1),
          next_attempt_at: null,
          sent_at: now,
          last_error: null,
        }))
        .where("id", "=", id)
        .execute();
    },
    async recordFailure(id, error, nextAttemptAt) {
      await db
        .updateTable("outgoing_mails")
        .set((column) => ({
          attempts: column("attempts", "+", 1),
          next_attempt_at: nextAttemptAt,
          last_error: error,
        }))
        .where("id", "=", id)
        .execute();
    },
    async removeOld(before) {
      const { numDeletedRows } = await db
        .deleteFrom("outgoing_mails")
        .where("created_at", "<", before)
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}
