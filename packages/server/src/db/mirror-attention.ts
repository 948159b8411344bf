import type { AttentionReason, ErrorCode } from "@heliostat/contract";
import { type RawBuilder, sql } from "kysely";
import type { MirrorAttention } from "../app/ports.ts";
import { EXPIRES_SOON_MS } from "../domain/credential.ts";
import { HARD_FAILURE_AFTER } from "../domain/schedule.ts";
import { hasLostSecret } from "./lost-secrets.ts";
import { CREDENTIAL_ID } from "./mirror-credentials.ts";
import { selectMirrorsSeenBy, toMirror } from "./mirror-row.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";

type Condition = RawBuilder<boolean | null>;

/** Which mirrors wait for somebody, decided by the database: it alone can page through those of all projects. */
export function createMirrorAttention(db: Db): MirrorAttention {
  return {
    async list({ visibleTo: viewer, waiting, now, keyIds }, page) {
      const reasons = reasonsOf(now, keyIds);
      let matching = selectMirrorsSeenBy(db, viewer)
        .leftJoin("credentials as shown_now", (join) => join.on("shown_now.id", "=", CREDENTIAL_ID))
        .select(reasons.as("reasons"));
      if (waiting) matching = matching.where(sql<boolean>`cardinality(${reasons}) > 0`);
      const total = await countRows(matching);
      const { limit, offset } = windowOf(page);
      const rows = await matching
        .orderBy("namespaces.full_path")
        .orderBy("projects.path")
        .orderBy("mirrors.id")
        .limit(limit)
        .offset(offset)
        .execute();
      return { items: rows.map((row) => ({ mirror: toMirror(row), reasons: row.reasons })), total };
    },
  };
}

/** Of one that is off, only a lost secret counts: nothing runs, but nobody else remembers that it must be entered again. */
function reasonsOf(now: Date, keyIds: readonly string[]): RawBuilder<AttentionReason[]> {
  const soon = new Date(now.getTime() + EXPIRES_SOON_MS);
  const expiresAt = sql.ref("shown_now.expires_at");
  const whileOn = (condition: Condition): Condition => sql`mirrors.enabled and ${condition}`;
  const endedWith = (...codes: readonly ErrorCode[]): Condition =>
    whileOn(sql`mirrors.last_error_code = any(${codes}::text[])`);
  const conditions: Readonly<Record<AttentionReason, Condition>> = {
    "needs-secret": hasLostSecret(keyIds),
    "host-key-revoked": endedWith("host-key-revoked"),
    "host-key-changed": endedWith("host-key-changed"),
    "host-key-missing": endedWith("host-key-missing"),
    "ssh-key-refused": endedWith("ssh-key-refused"),
    "credential-refused": endedWith("remote-credential", "remote-forbidden"),
    "credential-expired": whileOn(sql`${expiresAt} <= ${now}`),
    "credential-expires-soon": whileOn(sql`${expiresAt} > ${now} and ${expiresAt} <= ${soon}`),
    paused: whileOn(sql`mirrors.direction = 'pull' and mirrors.retry_count > ${HARD_FAILURE_AFTER}`),
  };
  const each = Object.entries(conditions).map(
    ([reason, condition]) => sql`case when ${condition} then ${reason}::text end`,
  );
  return sql`array_remove(array[${sql.join(each)}], null)`;
}
