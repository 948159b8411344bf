import type { Selectable } from "kysely";
import type { NewSshKey, SshKeyStore } from "../app/ports.ts";
import { invalidField } from "../domain/errors.ts";
import type { DeployKey, SshKey, UserSshKey } from "../domain/ssh-key.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";

/** A key in steady use is written at most this often: its `last_used_at` is a hint, not an audit. */
const TOUCH_EVERY_MS = 60_000;

type Row = Selectable<Database["ssh_keys"]>;

/**
 * SSH keys of users and projects, `model-invalid` for one that is there already. A deploy key goes with its last
 * project.
 */
export function createSshKeyStore(db: Db): SshKeyStore {
  async function toDeployKeys(rows: readonly Row[]): Promise<readonly DeployKey[]> {
    if (rows.length === 0) return [];
    const opened = await db
      .selectFrom("deploy_key_projects")
      .selectAll()
      .where(
        "ssh_key_id",
        "in",
        rows.map(({ id }) => id),
      )
      .orderBy("project_id")
      .execute();
    return rows.map((row) => ({
      ...fieldsOf(row),
      createdBy: row.created_by,
      projects: opened
        .filter(({ ssh_key_id }) => ssh_key_id === row.id)
        .map(({ project_id, can_push }) => ({ projectId: project_id, canPush: can_push })),
    }));
  }

  async function toKey(row: Row | undefined): Promise<SshKey | null> {
    if (row === undefined) return null;
    const user = toUserKey(row);
    if (user !== null) return { kind: "user", key: user };
    const [key] = await toDeployKeys([row]);
    return key === undefined ? null : { kind: "deploy", key };
  }

  return {
    async createOfUser(userId, key) {
      const row = await db
        .insertInto("ssh_keys")
        .values({ kind: "user", user_id: userId, ...valuesOf(key) })
        .returningAll()
        .executeTakeFirstOrThrow()
        .catch(refuseTaken);
      return { ...fieldsOf(row), userId };
    },
    async createOfProject(projectId, key, canPush) {
      return await db
        .transaction()
        .execute(async (transaction) => {
          const row = await transaction
            .insertInto("ssh_keys")
            .values({ kind: "deploy", user_id: null, ...valuesOf(key) })
            .returningAll()
            .executeTakeFirstOrThrow();
          await transaction
            .insertInto("deploy_key_projects")
            .values({ ssh_key_id: row.id, project_id: projectId, can_push: canPush })
            .execute();
          return { ...fieldsOf(row), createdBy: row.created_by, projects: [{ projectId, canPush }] };
        })
        .catch(refuseTaken);
    },
    async find(id) {
      return await toKey(await db.selectFrom("ssh_keys").selectAll().where("id", "=", id).executeTakeFirst());
    },
    async findByFingerprint(fingerprint) {
      const column = fingerprint.startsWith("SHA256:") ? "fingerprint_sha256" : "fingerprint_md5";
      return await toKey(
        await db.selectFrom("ssh_keys").selectAll().where(column, "=", fingerprint).executeTakeFirst(),
      );
    },
    async listOfUser(userId, page) {
      const { limit, offset } = windowOf(page);
      const ofUser = db.selectFrom("ssh_keys").where("user_id", "=", userId);
      const rows = await ofUser.selectAll().orderBy("id").limit(limit).offset(offset).execute();
      return { items: rows.flatMap((row) => toUserKey(row) ?? []), total: await countRows(ofUser) };
    },
    async listDeployKeys({ projectId }, page) {
      const { limit, offset } = windowOf(page);
      let matching = db.selectFrom("ssh_keys").where("kind", "=", "deploy");
      if (projectId !== undefined) {
        matching = matching.where("id", "in", (from) =>
          from.selectFrom("deploy_key_projects").select("ssh_key_id").where("project_id", "=", projectId),
        );
      }
      const rows = await matching.selectAll().orderBy("id").limit(limit).offset(offset).execute();
      return { items: await toDeployKeys(rows), total: await countRows(matching) };
    },
    async rename(id, title) {
      await db.updateTable("ssh_keys").set({ title }).where("id", "=", id).execute();
    },
    async enable(id, projectId, canPush) {
      await db
        .insertInto("deploy_key_projects")
        .values({ ssh_key_id: id, project_id: projectId, can_push: canPush })
        .onConflict((conflict) =>
          conflict.columns(["ssh_key_id", "project_id"]).doUpdateSet({ can_push: canPush }),
        )
        .execute();
    },
    async disable(id, projectId) {
      await db.transaction().execute(async (transaction) => {
        // Two that take its last two projects away at once must not each see the other's.
        await transaction.selectFrom("ssh_keys").select("id").where("id", "=", id).forUpdate().execute();
        await transaction
          .deleteFrom("deploy_key_projects")
          .where("ssh_key_id", "=", id)
          .where("project_id", "=", projectId)
          .execute();
        await transaction
          .deleteFrom("ssh_keys")
          .where("id", "=", id)
          .where(({ not, exists, selectFrom }) =>
            not(exists(selectFrom("deploy_key_projects").select("project_id").where("ssh_key_id", "=", id))),
          )
          .execute();
      });
    },
    async remove(id) {
      await db.deleteFrom("ssh_keys").where("id", "=", id).execute();
    },
    async touch(id, now) {
      const before = new Date(now.getTime() - TOUCH_EVERY_MS);
      await db
        .updateTable("ssh_keys")
        .set({ last_used_at: now })
        .where("id", "=", id)
        .where((where) => where.or([where("last_used_at", "is", null), where("last_used_at", "<", before)]))
        .execute();
    },
  };
}

function valuesOf(key: NewSshKey) {
  return {
    title: key.title,
    key: key.key,
    fingerprint_sha256: key.fingerprintSha256,
    fingerprint_md5: key.fingerprintMd5,
    created_by: key.createdBy,
    expires_at: key.expiresAt,
  };
}

function refuseTaken(error: unknown): never {
  if (brokenUniqueness(error) === null) throw error;
  throw invalidField("fingerprint_sha256", "has already been taken");
}

function fieldsOf(row: Row) {
  return {
    id: row.id,
    title: row.title,
    key: row.key,
    fingerprintSha256: row.fingerprint_sha256,
    fingerprintMd5: row.fingerprint_md5,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}

function toUserKey(row: Row): UserSshKey | null {
  return row.user_id === null ? null : { ...fieldsOf(row), userId: row.user_id };
}
