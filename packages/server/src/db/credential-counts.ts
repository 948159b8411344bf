import { sql } from "kysely";
import type { CredentialCounts } from "../app/ports.ts";
import { EXPIRES_SOON_MS } from "../domain/credential.ts";
import { HeliostatError } from "../domain/errors.ts";
import { hasLostSecret, isLost } from "./lost-secrets.ts";
import type { Db } from "./pool.ts";

/** How many credentials and mirrors a person must do something about; `keyIds`: the keys that are there. */
export async function countCredentials(
  db: Db,
  now: Date,
  keyIds: readonly string[],
): Promise<CredentialCounts> {
  const soon = new Date(now.getTime() + EXPIRES_SOON_MS);
  const { rows } = await sql<{
    expiring: number;
    expired: number;
    needing_secret: number;
    mirrors_needing_secret: number;
  }>`
    select
      (select count(*) from credentials where name is not null and expires_at > ${now} and expires_at <= ${soon})
        as expiring,
      (select count(*) from credentials where name is not null and expires_at <= ${now}) as expired,
      (select count(*) from credentials where name is not null
        and (${isLost("password_key_id", keyIds)} or ${isLost("private_key_key_id", keyIds)})) as needing_secret,
      (select count(*) from mirrors where ${hasLostSecret(keyIds)}) as mirrors_needing_secret`.execute(db);
  const [row] = rows;
  if (!row) throw new HeliostatError("bug", "the database counts nothing");
  return {
    expiring: row.expiring,
    expired: row.expired,
    needingSecret: row.needing_secret,
    mirrorsNeedingSecret: row.mirrors_needing_secret,
  };
}
