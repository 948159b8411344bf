import { type RawBuilder, sql } from "kysely";
import { CREDENTIAL_ID } from "./mirror-credentials.ts";

/** Whether a column names a key that is none of these: what it sealed cannot be opened. */
export function isLost(column: string, keyIds: readonly string[]): RawBuilder<boolean> {
  // Nothing is different from all of none, not even what is not there.
  return sql<boolean>`(${sql.ref(column)} is not null and ${sql.ref(column)} <> all(${[...keyIds]}::text[]))`;
}

/** Whether a row of `mirrors` lacks a secret that it uses: `usedSecrets` in SQL. */
export function hasLostSecret(keyIds: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`(exists (select from credentials as shown where shown.id = ${CREDENTIAL_ID} and
      case when mirrors.auth_method = 'ssh_public_key' and mirrors.url like 'ssh://%'
        then ${isLost("shown.private_key_key_id", keyIds)} else ${isLost("shown.password_key_id", keyIds)} end)
    or (mirrors.url like 'https://%' and ${isLost("mirrors.client_key_key_id", keyIds)})
    or exists (select from mirror_hook_secrets where mirror_hook_secrets.mirror_id = mirrors.id
      and ${isLost("mirror_hook_secrets.secret_key_id", keyIds)}))`;
}
