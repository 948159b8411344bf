import { sql } from "kysely";
import type { SealedSecretStore, UnreadableSecret } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { hookSecretContext } from "./hook-secrets.ts";
import { hasLostSecret } from "./lost-secrets.ts";
import {
  clientKeyContext,
  passwordContext,
  privateKeyContext,
  type SecretSealer,
  sealClientKey,
  sealPassword,
  sealPrivateKey,
} from "./mirror-credentials.ts";
import { mirrorHookSecretContext, sealMirrorHookSecret } from "./mirror-hooks.ts";
import { selectMirrors, selectMirrorsSeenBy, toMirror } from "./mirror-row.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import { waitForSealing } from "./sealing-lock.ts";
import { sealTotpSecret, totpContext } from "./second-factors.ts";

/** Few enough that nobody waits long for a row that is locked meanwhile. */
const BATCH = 50;

/** Any number will do, as long as nobody else takes it. */
const CHANGE_OF_KEYS = 1_002;

/** Whether the database has anything that only the secrets file opens. */
export async function hasSealedSecrets(db: Db): Promise<boolean> {
  const { rows } = await sql<{ any: boolean }>`select
    exists (select from credentials where password_key_id is not null or private_key_key_id is not null)
    or exists (select from mirrors where client_key_key_id is not null)
    or exists (select from hook_secrets)
    or exists (select from users where totp_key_id is not null)
    or exists (select from mirror_hook_secrets) as any`.execute(db);
  return rows[0]?.any ?? false;
}

/** All secrets that are sealed in the database, whatever table they are in. */
export function createSealedSecretStore(db: Db, secrets: SecretSealer): SealedSecretStore {
  /** Seals what opens; what does not is left as it is, and noted. */
  function sealOne<T>(
    lot: Lot,
    { secret, context, whose }: { secret: Sealed; context: string; whose: UnreadableSecret },
    seal: (plain: string) => T,
  ): T | null {
    let plain: string;
    try {
      plain = secrets.open(secret, context);
    } catch (error) {
      if (!(error instanceof HeliostatError && error.code === "secret-unreadable")) throw error;
      lot.unreadable.push(whose);
      return null;
    }
    lot.sealed += 1;
    return seal(plain);
  }

  /** A batch of the rows of `credentials` after this one with something that one of these keys sealed. */
  async function sealCredentials(keyIds: readonly string[], after: number): Promise<Lot> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("credentials")
        .selectAll()
        .where("id", ">", after)
        .where((where) =>
          where.or([where("password_key_id", "in", keyIds), where("private_key_key_id", "in", keyIds)]),
        )
        .orderBy("id")
        .limit(BATCH)
        // Mirrors that begin to use it meanwhile need not wait.
        .forNoKeyUpdate()
        .execute();
      const lot: Lot = { sealed: 0, unreadable: [], last: rows.at(-1)?.id ?? null };
      for (const row of rows) {
        const owner = row.mirror_id === null ? { credentialId: row.id } : { mirrorId: row.mirror_id };
        const whose = {
          ...NOBODY,
          ...{ mirrorId: row.mirror_id, credentialId: row.mirror_id === null ? row.id : null },
        };
        const password = sealedWith(keyIds, row.password_sealed, row.password_key_id);
        const privateKey = sealedWith(keyIds, row.private_key_sealed, row.private_key_key_id);
        const columns = {
          ...(password &&
            sealOne(
              lot,
              { secret: password, context: passwordContext(owner), whose: { ...whose, kind: "password" } },
              (plain) => sealPassword(secrets, owner, plain),
            )),
          ...(privateKey &&
            sealOne(
              lot,
              { secret: privateKey, context: privateKeyContext(owner), whose: { ...whose, kind: "ssh_key" } },
              (plain) => sealPrivateKey(secrets, owner, plain),
            )),
        };
        if (Object.keys(columns).length === 0) continue;
        await transaction.updateTable("credentials").set(columns).where("id", "=", row.id).execute();
      }
      return lot;
    });
  }

  /** As `sealCredentials`, of the keys of client certificates. */
  async function sealClientKeys(keyIds: readonly string[], after: number): Promise<Lot> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("mirrors")
        .select(["id", "client_key_sealed", "client_key_key_id"])
        .where("id", ">", after)
        .where("client_key_key_id", "in", keyIds)
        .orderBy("id")
        .limit(BATCH)
        .forNoKeyUpdate()
        .execute();
      const lot: Lot = { sealed: 0, unreadable: [], last: rows.at(-1)?.id ?? null };
      for (const { id, client_key_sealed, client_key_key_id } of rows) {
        const secret = sealedWith(keyIds, client_key_sealed, client_key_key_id);
        const whose = { ...NOBODY, kind: "client_key", mirrorId: id } as const;
        const columns =
          secret &&
          sealOne(lot, { secret, context: clientKeyContext(id), whose }, (plain) =>
            sealClientKey(secrets, id, plain),
          );
        if (columns) await transaction.updateTable("mirrors").set(columns).where("id", "=", id).execute();
      }
      return lot;
    });
  }

  /** As `sealCredentials`, of second factors. */
  async function sealTotpSecrets(keyIds: readonly string[], after: number): Promise<Lot> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("users")
        .select(["id", "username", "totp_secret_sealed", "totp_key_id"])
        .where("id", ">", after)
        .where("totp_key_id", "in", keyIds)
        .orderBy("id")
        .limit(BATCH)
        .forNoKeyUpdate()
        .execute();
      const lot: Lot = { sealed: 0, unreadable: [], last: rows.at(-1)?.id ?? null };
      for (const { id, username, totp_secret_sealed, totp_key_id } of rows) {
        const secret = sealedWith(keyIds, totp_secret_sealed, totp_key_id);
        const whose = { ...NOBODY, kind: "second_factor", username } as const;
        const columns =
          secret &&
          sealOne(lot, { secret, context: totpContext(id), whose }, (plain) =>
            sealTotpSecret(secrets, id, plain),
          );
        if (columns) await transaction.updateTable("users").set(columns).where("id", "=", id).execute();
      }
      return lot;
    });
  }

  /** As `sealCredentials`, of the secrets that webhooks to mirrors are signed with. */
  async function sealMirrorHookSecrets(keyIds: readonly string[], after: number): Promise<Lot> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("mirror_hook_secrets")
        .select(["mirror_id", "secret_sealed", "secret_key_id"])
        .where("mirror_id", ">", after)
        .where("secret_key_id", "in", keyIds)
        .orderBy("mirror_id")
        .limit(BATCH)
        .forNoKeyUpdate()
        .execute();
      const lot: Lot = { sealed: 0, unreadable: [], last: rows.at(-1)?.mirror_id ?? null };
      for (const { mirror_id: id, secret_sealed, secret_key_id } of rows) {
        const secret = { sealed: secret_sealed, keyId: secret_key_id };
        const whose = { ...NOBODY, kind: "hook_secret", mirrorId: id } as const;
        const columns = sealOne(lot, { secret, context: mirrorHookSecretContext(id), whose }, (plain) =>
          sealMirrorHookSecret(secrets, id, plain),
        );
        if (columns === null) continue;
        await transaction
          .updateTable("mirror_hook_secrets")
          .set(columns)
          .where("mirror_id", "=", id)
          .execute();
      }
      return lot;
    });
  }

  /** As `sealCredentials`, of what hooks and pipeline triggers show. */
  async function sealHookSecrets(keyIds: readonly string[], after: number): Promise<Lot> {
    return await db.transaction().execute(async (transaction) => {
      const rows = await transaction
        .selectFrom("hook_secrets")
        .selectAll()
        .where("id", ">", after)
        .where("value_key_id", "in", keyIds)
        .orderBy("id")
        .limit(BATCH)
        .forNoKeyUpdate()
        .execute();
      const lot: Lot = { sealed: 0, unreadable: [], last: rows.at(-1)?.id ?? null };
      for (const row of rows) {
        const { hook_id: hookId, pipeline_trigger_id: pipelineTriggerId } = row;
        const owner =
          hookId === null
            ? ({ kind: "pipeline-trigger", id: pipelineTriggerId ?? 0 } as const)
            : ({ kind: "hook", id: hookId } as const);
        const context = hookSecretContext(owner, row);
        const secret = { sealed: row.value_sealed, keyId: row.value_key_id };
        const whose = { ...NOBODY, kind: "hook", hookId, pipelineTriggerId } as const;
        const columns = sealOne(lot, { secret, context, whose }, (plain) => {
          const { sealed, keyId } = secrets.seal(plain, context);
          return { value_sealed: sealed, value_key_id: keyId };
        });
        if (columns)
          await transaction.updateTable("hook_secrets").set(columns).where("id", "=", row.id).execute();
      }
      return lot;
    });
  }

  return {
    async countByKey() {
      const { rows } = await sql<{ key_id: string; count: number }>`
        select key_id, count(*)::integer as count from (
          select password_key_id as key_id from credentials
            union all select private_key_key_id from credentials
            union all select client_key_key_id from mirrors
            union all select totp_key_id from users
            union all select secret_key_id from mirror_hook_secrets
            union all select value_key_id from hook_secrets
        ) as sealed where key_id is not null group by key_id`.execute(db);
      return new Map(rows.map((row) => [row.key_id, row.count]));
    },
    async sealAnew(keyIds) {
      const unreadable: UnreadableSecret[] = [];
      if (keyIds.length === 0) return { sealed: 0, unreadable };
      await waitForSealing(db);
      let sealed = 0;
      for (const sealBatch of [
        sealCredentials,
        sealClientKeys,
        sealTotpSecrets,
        sealMirrorHookSecrets,
        sealHookSecrets,
      ]) {
        for (let after: number | null = 0; after !== null; ) {
          const lot: Lot = await sealBatch(keyIds, after);
          sealed += lot.sealed;
          unreadable.push(...lot.unreadable);
          after = lot.last;
        }
      }
      return { sealed, unreadable };
    },
    async listMirrorsWithout({ visibleTo, keyIds }, page) {
      const matching = selectMirrorsSeenBy(db, visibleTo).where(hasLostSecret(keyIds));
      const total = await countRows(matching);
      const { limit, offset } = windowOf(page);
      const rows = await matching
        .select(["namespaces.full_path as namespace_path", "projects.path as project_path"])
        .orderBy("mirrors.id")
        .limit(limit)
        .offset(offset)
        .execute();
      const items = rows.map((row) => ({
        mirror: toMirror(row),
        projectPath: `${row.namespace_path}/${row.project_path}`,
      }));
      return { items, total };
    },
    async countMirrorsWithout(keyIds) {
      return await countRows(db.selectFrom("mirrors").where(hasLostSecret(keyIds)));
    },
    async listMirrorsOpenAgain(keyIds) {
      const rows = await selectMirrors(db)
        .where("last_error_code", "=", "secret-unreadable")
        .orderBy("id")
        .execute();
      return (
        rows
          .map(toMirror)
          // Its update shows no hook secret.
          .filter(({ sealedSecrets }) =>
            sealedSecrets.every(({ kind, keyId }) => kind === "hook_secret" || keyIds.includes(keyId)),
          )
          .map(({ id }) => id)
      );
    },
    async whileAlone(work) {
      return await db.connection().execute(async (connection) => {
        const { rows } = await sql<{ taken: boolean }>`
          select pg_try_advisory_lock(${CHANGE_OF_KEYS}) as taken`.execute(connection);
        // Who waits keeps a connection from everybody else.
        if (!rows[0]?.taken)
          throw new HeliostatError("conflict", "The keys are being changed at this moment. Try again later.");
        try {
          return await work();
        } finally {
          await sql`select pg_advisory_unlock(${CHANGE_OF_KEYS})`.execute(connection);
        }
      });
    },
  };
}

const NOBODY = {
  ...{ mirrorId: null, credentialId: null, username: null },
  ...{ hookId: null, pipelineTriggerId: null },
} as const;

type Sealed = Parameters<SecretSealer["open"]>[0];

/** What became of a batch. `last`: the id of its last row; null: it was empty. */
interface Lot {
  sealed: number;
  readonly unreadable: UnreadableSecret[];
  readonly last: number | null;
}

function sealedWith(keyIds: readonly string[], sealed: Buffer | null, keyId: string | null): Sealed | null {
  return sealed !== null && keyId !== null && keyIds.includes(keyId) ? { sealed, keyId } : null;
}
