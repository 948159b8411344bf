import { sql } from "kysely";
import type { SealedSecretStore } from "../app/ports.ts";
import { fullPathOf } from "../domain/project.ts";
import { hasLostSecret } from "./lost-secrets.ts";
import {
  CREDENTIAL_ID,
  clientKeyContext,
  passwordContext,
  privateKeyContext,
  type SecretSealer,
  sealClientKey,
  sealPassword,
  sealPrivateKey,
} from "./mirror-credentials.ts";
import { selectMirrors, toMirror } from "./mirror-row.ts";
import type { Db } from "./pool.ts";
import { createProjectStore } from "./projects.ts";

/** Few enough that nobody waits long for a row that is locked meanwhile. */
const BATCH = 50;

/** Any number will do, as long as nobody else takes it. */
const CHANGE_OF_KEYS = 1_002;

/** Whether the database has anything that only the secrets file opens. */
export async function hasSealedSecrets(db: Db): Promise<boolean> {
  const { rows } = await sql<{ any: boolean }>`select
    exists (select from credentials where password_key_id is not null or private_key_key_id is not null)
    or exists (select from mirrors where client_key_key_id is not null) as any`.execute(db);
  return rows[0]?.any ?? false;
}

/** All secrets that are sealed in the database, whatever table they are in. */
export function createSealedSecretStore(db: Db, secrets: SecretSealer): SealedSecretStore {
  /** Rows of `credentials` with something sealed with one of these keys, locked, each given to `change`. */
  async function sealCredentials(keyIds: readonly string[]): Promise<number> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("credentials")
        .selectAll()
        .where((where) =>
          where.or([where("password_key_id", "in", keyIds), where("private_key_key_id", "in", keyIds)]),
        )
        .orderBy("id")
        .limit(BATCH)
        .forUpdate()
        .execute();
      let sealed = 0;
      for (const row of rows) {
        const owner = row.mirror_id === null ? { credentialId: row.id } : { mirrorId: row.mirror_id };
        const columns = {};
        if (row.password_sealed !== null && keyIds.includes(row.password_key_id ?? "")) {
          const secret = { sealed: row.password_sealed, keyId: row.password_key_id ?? "" };
          Object.assign(columns, sealPassword(secrets, owner, secrets.open(secret, passwordContext(owner))));
          sealed += 1;
        }
        if (row.private_key_sealed !== null && keyIds.includes(row.private_key_key_id ?? "")) {
          const secret = { sealed: row.private_key_sealed, keyId: row.private_key_key_id ?? "" };
          Object.assign(
            columns,
            sealPrivateKey(secrets, owner, secrets.open(secret, privateKeyContext(owner))),
          );
          sealed += 1;
        }
        await transaction.updateTable("credentials").set(columns).where("id", "=", row.id).execute();
      }
      return sealed;
    });
  }

  async function sealClientKeys(keyIds: readonly string[]): Promise<number> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("mirrors")
        .select(["id", "client_key_sealed", "client_key_key_id"])
        .where("client_key_key_id", "in", keyIds)
        .orderBy("id")
        .limit(BATCH)
        .forUpdate()
        .execute();
      for (const { id, client_key_sealed: sealed, client_key_key_id: keyId } of rows) {
        if (sealed === null || keyId === null) continue;
        const plain = secrets.open({ sealed, keyId }, clientKeyContext(id));
        await transaction
          .updateTable("mirrors")
          .set(sealClientKey(secrets, id, plain))
          .where("id", "=", id)
          .execute();
      }
      return rows.length;
    });
  }

  return {
    async countByKey() {
      const { rows } = await sql<{ key_id: string; count: number }>`
        select key_id, count(*)::integer as count from (
          select password_key_id as key_id from credentials
            union all select private_key_key_id from credentials
            union all select client_key_key_id from mirrors
        ) as sealed where key_id is not null group by key_id`.execute(db);
      return new Map(rows.map((row) => [row.key_id, row.count]));
    },
    async sealAnew(keyIds) {
      if (keyIds.length === 0) return 0;
      let total = 0;
      for (const batch of [sealCredentials, sealClientKeys]) {
        for (let sealed = -1; sealed !== 0; total += sealed) sealed = await batch(keyIds);
      }
      return total;
    },
    async listMirrorsWithout(keyIds) {
      const rows = await selectMirrors(db)
        .leftJoin("credentials as shown_now", (join) => join.on("shown_now.id", "=", CREDENTIAL_ID))
        .where(hasLostSecret(keyIds))
        .orderBy("mirrors.id")
        .execute();
      const mirrors = rows.map(toMirror);
      const projects = await createProjectStore(db).findAll(mirrors.map(({ projectId }) => projectId));
      const paths = new Map(projects.map((project) => [project.id, fullPathOf(project)]));
      return mirrors.map((mirror) => ({ mirror, projectPath: paths.get(mirror.projectId) ?? "" }));
    },
    async listMirrorsOpenAgain(keyIds) {
      const rows = await selectMirrors(db)
        .where("last_error_code", "=", "secret-unreadable")
        .orderBy("id")
        .execute();
      return rows
        .map(toMirror)
        .filter(({ sealedSecrets }) => sealedSecrets.every(({ keyId }) => keyIds.includes(keyId)))
        .map(({ id }) => id);
    },
    async whileAlone(work) {
      return await db.connection().execute(async (connection) => {
        await sql`select pg_advisory_lock(${CHANGE_OF_KEYS})`.execute(connection);
        try {
          return await work();
        } finally {
          await sql`select pg_advisory_unlock(${CHANGE_OF_KEYS})`.execute(connection);
        }
      });
    },
  };
}
