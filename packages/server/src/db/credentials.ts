import type { Visibility } from "@heliostat/contract";
import { type Selectable, type SelectQueryBuilder, type SqlBool, sql } from "kysely";
import type { CredentialSecret, CredentialStore } from "../app/ports.ts";
import { type Credential, EXPIRES_SOON_MS, EXPIRY_NEWS, expiryNews } from "../domain/credential.ts";
import { HeliostatError } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import { brokenUniqueness, brokeReference } from "./broken-constraint.ts";
import { countCredentials } from "./credential-counts.ts";
import { updateUsers } from "./credential-rotation.ts";
import { containing } from "./like.ts";
import { isMemberOfNamespace } from "./members.ts";
import { openCredential, type SecretSealer, sealKeyPair, sealPassword } from "./mirror-credentials.ts";
import { selectMirrors, toMirror } from "./mirror-row.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { CredentialsTable, Database } from "./schema.ts";
import { beginSealing } from "./sealing-lock.ts";

/** Named credentials in PostgreSQL. Secrets are sealed each for its own row. */
export function createCredentialStore(db: Db, secrets: SecretSealer): CredentialStore {
  async function find(from: Db, id: number): Promise<Credential | null> {
    const row = await selectNamed(from).where("credentials.id", "=", id).executeTakeFirst();
    return row ? toCredential(row) : null;
  }

  async function findExisting(from: Db, id: number): Promise<Credential> {
    const credential = await find(from, id);
    if (!credential) throw notFound();
    return credential;
  }

  return {
    async create({ namespaceId, name, kind, username, secret, expiresAt, createdBy }) {
      return await refuseTakenName(() =>
        db.transaction().execute(async (transaction) => {
          await beginSealing(transaction);
          const { id } = await transaction
            .insertInto("credentials")
            .values({
              ...{ namespace_id: namespaceId, name, kind, username },
              ...{ expires_at: expiresAt, created_by: createdBy },
            })
            .returning("id")
            .executeTakeFirstOrThrow();
          // The id is part of what is sealed, so that a sealed text cannot be moved to another row.
          await transaction
            .updateTable("credentials")
            .set(secretColumns(secrets, id, secret))
            .where("id", "=", id)
            .execute();
          return await findExisting(transaction, id);
        }),
      );
    },
    find: (id) => find(db, id),
    async list({ visibleTo, search, namespaceId }, page) {
      const isWanted = [
        sql<SqlBool>`credentials.name is not null`,
        ...(visibleTo.isAdmin ? [] : [isMemberOfNamespace(visibleTo, ACCESS_LEVELS.maintainer)]),
        ...(namespaceId === undefined ? [] : [sql<SqlBool>`namespaces.id = ${namespaceId}`]),
        ...(search === undefined ? [] : [sql<SqlBool>`credentials.name ilike ${containing(search)}`]),
      ];
      const total = await countRows(
        db
          .selectFrom("credentials")
          .innerJoin("namespaces", "namespaces.id", "credentials.namespace_id")
          .where(({ and }) => and(isWanted)),
      );
      const { limit, offset } = windowOf(page);
      const rows = await selectNamed(db)
        .where(({ and }) => and(isWanted))
        .orderBy(sql`lower(credentials.name)`)
        .orderBy("credentials.id")
        .limit(limit)
        .offset(offset)
        .execute();
      return { items: rows.map(toCredential), total };
    },
    async update(id, { name, username, expiresAt, now, userId }) {
      return await refuseTakenName(() =>
        db.transaction().execute(async (transaction) => {
          const before = await transaction
            .selectFrom("credentials")
            .select("username")
            .where("id", "=", id)
            .where("name", "is not", null)
            .forNoKeyUpdate()
            .executeTakeFirst();
          if (!before) throw notFound();
          await transaction
            .updateTable("credentials")
            .set({ name, username, expires_at: expiresAt, updated_at: sql`now()` })
            .where("id", "=", id)
            .execute();
          if (username !== undefined && username !== before.username)
            await updateUsers(transaction, id, { now, userId, startsUpdates: true });
          return await findExisting(transaction, id);
        }),
      );
    },
    async rotate(id, { secret, username, expiresAt, now, userId, startsUpdates }) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const row = await transaction
          .updateTable("credentials")
          .set({
            ...secretColumns(secrets, id, secret),
            ...{ username, expires_at: expiresAt, rotated_at: now },
            updated_at: sql`now()`,
          })
          .where("id", "=", id)
          .where("name", "is not", null)
          .returning("id")
          .executeTakeFirst();
        if (!row) throw notFound();
        return await updateUsers(transaction, id, { now, userId, startsUpdates });
      });
    },
    async remove(id) {
      try {
        await db.deleteFrom("credentials").where("id", "=", id).where("name", "is not", null).execute();
      } catch (error) {
        if (!brokeReference(error)) throw error;
        const { mirrorsCount } = await findExisting(db, id);
        const mirrors = mirrorsCount === 1 ? "1 mirror uses" : `${mirrorsCount} mirrors use`;
        const message = `${mirrors} this credential: give them another one, or remove them, first.`;
        throw new HeliostatError("conflict", message, { cause: error });
      }
    },
    async listUses(id, page) {
      const total = await countRows(db.selectFrom("mirrors").where("credential_id", "=", id));
      const { limit, offset } = windowOf(page);
      const rows = await selectMirrors(db)
        .innerJoin("projects", "projects.id", "mirrors.project_id")
        .innerJoin("namespaces", "namespaces.id", "projects.namespace_id")
        .select(sql<string>`namespaces.full_path || '/' || projects.path`.as("project_path"))
        .where("mirrors.credential_id", "=", id)
        .orderBy("mirrors.id")
        .limit(limit)
        .offset(offset)
        .execute();
      return {
        items: rows.map((row) => ({ mirror: toMirror(row), projectPath: row.project_path })),
        total,
      };
    },
    async readSecret(id) {
      const row = await db
        .selectFrom("credentials")
        .selectAll()
        .where("id", "=", id)
        .where("name", "is not", null)
        .executeTakeFirst();
      if (!row) throw notFound();
      return openCredential(secrets, row, { credentialId: id });
    },
    async listExpiryNews(now) {
      const rows = await selectNamed(db)
        .where("credentials.name", "is not", null)
        .where("credentials.expires_at", "<=", new Date(now.getTime() + EXPIRES_SOON_MS))
        .where((where) =>
          where.or([
            sql<SqlBool>`credentials.told_expires_at is distinct from credentials.expires_at`,
            where("credentials.told_expiry", "!=", "expired"),
          ]),
        )
        .orderBy("credentials.id")
        .execute();
      return rows.flatMap((row) => {
        const news = expiryNews(row.expires_at, now);
        if (row.expires_at === null || news === null) return [];
        const isSame = row.told_expires_at?.getTime() === row.expires_at.getTime();
        const told = isSame && row.told_expiry !== null ? EXPIRY_NEWS.indexOf(row.told_expiry) : -1;
        if (EXPIRY_NEWS.indexOf(news) <= told) return [];
        return [{ credential: toCredential(row), expiresAt: row.expires_at, news }];
      });
    },
    count: (now, keyIds) => countCredentials(db, now, keyIds),
  };
}

type NamedRow = Selectable<CredentialsTable> & {
  namespace_kind: "user" | "group";
  namespace_name: string;
  namespace_path: string;
  namespace_full_path: string;
  namespace_parent_id: number | null;
  namespace_owner_id: number | null;
  namespace_traversal_ids: number[];
  namespace_visibility: Visibility | null;
  namespace_description: string | null;
  mirrors_count: number;
};

function selectNamed(db: Db): SelectQueryBuilder<Database, "credentials" | "namespaces", NamedRow> {
  return db
    .selectFrom("credentials")
    .innerJoin("namespaces", "namespaces.id", "credentials.namespace_id")
    .selectAll("credentials")
    .select([
      "namespaces.kind as namespace_kind",
      "namespaces.name as namespace_name",
      "namespaces.path as namespace_path",
      "namespaces.full_path as namespace_full_path",
      "namespaces.parent_id as namespace_parent_id",
      "namespaces.owner_id as namespace_owner_id",
      "namespaces.traversal_ids as namespace_traversal_ids",
      "namespaces.visibility as namespace_visibility",
      "namespaces.description as namespace_description",
      sql<number>`(select count(*) from mirrors where mirrors.credential_id = credentials.id)`.as(
        "mirrors_count",
      ),
    ]);
}

function toCredential(row: NamedRow): Credential {
  return {
    id: row.id,
    name: row.name ?? "",
    kind: row.kind ?? "password",
    namespace: {
      id: row.namespace_id ?? 0,
      kind: row.namespace_kind,
      name: row.namespace_name,
      path: row.namespace_path,
      fullPath: row.namespace_full_path,
      parentId: row.namespace_parent_id,
      ownerId: row.namespace_owner_id,
      traversalIds: row.namespace_traversal_ids,
      visibility: row.namespace_visibility,
      description: row.namespace_description,
    },
    username: row.username,
    publicKey: row.public_key,
    expiresAt: row.expires_at,
    rotatedAt: row.rotated_at,
    mirrorsCount: row.mirrors_count,
    secretKeyIds: [row.password_key_id, row.private_key_key_id].flatMap((id) => id ?? []),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** All columns of the secret: what it was before is gone. */
function secretColumns(secrets: SecretSealer, id: number, secret: CredentialSecret) {
  const owner = { credentialId: id };
  return "password" in secret
    ? {
        ...sealPassword(secrets, owner, secret.password),
        ...{ private_key_sealed: null, private_key_key_id: null, public_key: null },
      }
    : {
        ...sealKeyPair(secrets, owner, secret.keyPair),
        ...{ password_sealed: null, password_key_id: null },
      };
}

async function refuseTakenName<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (brokenUniqueness(error) !== "credentials_name") throw error;
    throw new HeliostatError("model-invalid", "name has already been taken", {
      fields: { name: ["has already been taken"] },
    });
  }
}

function notFound(): HeliostatError {
  return new HeliostatError("not-found", "Not found");
}
