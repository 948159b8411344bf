import { TOKEN_SCOPES, type TokenScope } from "@heliostat/contract";
import { type ExpressionBuilder, type Selectable, type SelectQueryBuilder, type SqlBool, sql } from "kysely";
import type { NewToken, ResourceToken, TokenFilter, TokenHome, TokenStore } from "../app/ports.ts";
import type { AccessToken } from "../domain/user.ts";
import { inTransaction } from "./in-transaction.ts";
import { containing } from "./like.ts";
import { MEMBERSHIPS, type MembershipRow, toMembership } from "./members.ts";
import { countRows, windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import { prepare } from "./prepared.ts";
import type { Database } from "./schema.ts";
import { toUser, type UserRow } from "./users.ts";

/** A token in steady use is written at most this often: its `last_used_at` is a hint, not an audit. */
const TOUCH_EVERY_MS = 60_000;

/**
 * Access tokens, found by digest; the secret itself is nowhere. A bot and its membership come and go with its token.
 */
export function createTokenStore(db: Db): TokenStore {
  return {
    async create(token) {
      const row = await db
        .insertInto("access_tokens")
        .values(valuesOf(token))
        .returningAll()
        .executeTakeFirstOrThrow();
      return toToken(row);
    },
    async createWithBot(home, { accessLevel, word, ...token }) {
      return await inTransaction(db, async (transaction) => {
        const username = `${"projectId" in home ? `project_${home.projectId}` : `group_${home.namespaceId}`}_bot_${word}`;
        const bot = await transaction
          .insertInto("users")
          .values({
            username,
            name: token.name,
            email: `${username}@noreply.invalid`,
            is_token_bot: true,
            ...("projectId" in home
              ? { token_bot_of_project_id: home.projectId }
              : { token_bot_of_namespace_id: home.namespaceId }),
          })
          .returning("id")
          .executeTakeFirstOrThrow();
        await transaction
          .insertInto("members")
          .values({
            ...columnsOf(home),
            user_id: bot.id,
            access_level: accessLevel,
            expires_at: dayOf(token.expiresAt),
            created_by: token.createdBy,
          })
          .execute();
        const row = await transaction
          .insertInto("access_tokens")
          .values({ ...valuesOf({ ...token, userId: bot.id }), ...columnsOf(home) })
          .returningAll()
          .executeTakeFirstOrThrow();
        return { token: toToken(row), accessLevel };
      });
    },
    async findByDigest(digest) {
      const [row] = await BY_DIGEST.read(db, [digest]);
      if (!row) return null;
      const { user_name, user_created_at, memberships } = row;
      return {
        token: toToken(row),
        user: toUser({ ...row, id: row.user_id, name: user_name, created_at: user_created_at }),
        memberships: memberships.map(toMembership),
      };
    },
    async list(filter, page, now) {
      let matching = selectMatching(db, filter, now);
      if (filter.userId === undefined) {
        matching = matching.where("project_id", "is", null).where("namespace_id", "is", null);
      }
      const { limit, offset } = windowOf(page);
      const rows = await matching.selectAll().orderBy("id").limit(limit).offset(offset).execute();
      return { items: rows.map(toToken), total: await countRows(matching) };
    },
    async listOfHome(home, filter, page, now) {
      const matching = selectMatching(db, filter, now).where((where) => isOfHome(where, home));
      const { limit, offset } = windowOf(page);
      const rows = await withAccessLevel(matching)
        .orderBy("access_tokens.id")
        .limit(limit)
        .offset(offset)
        .execute();
      return { items: rows.map(toResourceToken), total: await countRows(matching) };
    },
    async find(id) {
      const row = await db.selectFrom("access_tokens").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? toToken(row) : null;
    },
    async findOfHome(home, id) {
      const token = db
        .selectFrom("access_tokens")
        .where("access_tokens.id", "=", id)
        .where((where) => isOfHome(where, home));
      const row = await withAccessLevel(token).executeTakeFirst();
      return row ? toResourceToken(row) : null;
    },
    async revoke(id) {
      return await inTransaction(db, async (transaction) => {
        const row = await revokeRow(transaction, id);
        if (!row) return false;
        await endMembership(transaction, row);
        return true;
      });
    },
    async rotate(id, { digest, expiresAt }) {
      return await inTransaction(db, async (transaction) => {
        // Of two rotations at the same time the second waits here, and then finds it revoked.
        const old = await revokeRow(transaction, id);
        if (!old) return null;
        const row = await transaction
          .insertInto("access_tokens")
          .values({
            user_id: old.user_id,
            name: old.name,
            description: old.description,
            digest,
            scopes: old.scopes,
            project_id: old.project_id,
            namespace_id: old.namespace_id,
            created_by: old.created_by,
            family_id: old.family_id ?? old.id,
            expires_at: expiresAt,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        await transaction
          .updateTable("members")
          .set({ expires_at: dayOf(expiresAt) })
          .where((where) => isMembershipOf(where, old))
          .execute();
        return toToken(row);
      });
    },
    async revokeFamily(id) {
      return await inTransaction(db, async (transaction) => {
        const rows = await transaction
          .updateTable("access_tokens")
          .set({ revoked: true })
          .where("revoked", "=", false)
          .where(
            sql<SqlBool>`coalesce(family_id, id) = (
              select coalesce(family_id, id) from access_tokens as one where one.id = ${id})`,
          )
          .returningAll()
          .execute();
        for (const row of rows) await endMembership(transaction, row);
        return rows.length;
      });
    },
    async listExpiring(after, until) {
      const rows = await db
        .selectFrom("access_tokens")
        .innerJoin("users", "users.id", "access_tokens.user_id")
        .where("users.state", "=", "active")
        .where("access_tokens.revoked", "=", false)
        .where("access_tokens.expiry_told", "=", false)
        .where("access_tokens.expires_at", ">", after)
        .where("access_tokens.expires_at", "<=", until)
        .selectAll("access_tokens")
        .orderBy("access_tokens.id")
        .execute();
      return rows.map(toToken);
    },
    async touch(token, now) {
      const before = new Date(now.getTime() - TOUCH_EVERY_MS);
      if (token.lastUsedAt !== null && token.lastUsedAt >= before) return;
      await db
        .updateTable("access_tokens")
        .set({ last_used_at: now })
        .where("id", "=", token.id)
        .where((where) => where.or([where("last_used_at", "is", null), where("last_used_at", "<", before)]))
        .execute();
    },
  };
}

type Row = Selectable<Database["access_tokens"]>;
type TokenRow = Omit<Row, "digest" | "family_id" | "created_by" | "expiry_told">;

/** All that a request with a token has to know of its sender, at one moment. */
const BY_DIGEST = prepare<
  TokenRow &
    Omit<UserRow, "id" | "name" | "created_at"> & {
      readonly user_name: string;
      readonly user_created_at: Date;
      readonly memberships: readonly MembershipRow[];
    }
>(
  "token-by-digest",
  `select token.id, token.user_id, token.name, token.description, token.scopes, token.project_id, token.namespace_id,
      token.revoked, token.created_at, token.last_used_at, token.expires_at,
      users.username, users.name as user_name, users.email, users.is_admin, users.state, users.bot_of_project_id,
      users.is_token_bot, users.totp_confirmed_at, users.created_at as user_created_at,
      (select coalesce(json_agg(membership), '[]') from (${MEMBERSHIPS} users.id) as membership) as memberships
    from access_tokens as token join users on users.id = token.user_id
    where token.digest = $1`,
);

function valuesOf(token: NewToken) {
  return {
    user_id: token.userId,
    name: token.name,
    description: token.description,
    digest: token.digest,
    scopes: [...token.scopes],
    expires_at: token.expiresAt,
    created_by: token.createdBy,
  };
}

function columnsOf(home: TokenHome) {
  return "projectId" in home ? { project_id: home.projectId } : { namespace_id: home.namespaceId };
}

function isOfHome(where: ExpressionBuilder<Database, "access_tokens">, home: TokenHome) {
  return "projectId" in home
    ? where("access_tokens.project_id", "=", home.projectId)
    : where("access_tokens.namespace_id", "=", home.namespaceId);
}

/** With the role that the token's bot has where the token is for; 0: none any more. */
function withAccessLevel(tokens: SelectQueryBuilder<Database, "access_tokens", object>) {
  return tokens
    .leftJoin("members", (join) =>
      join
        .onRef("members.user_id", "=", "access_tokens.user_id")
        .on(
          sql<SqlBool>`(members.project_id = access_tokens.project_id or members.namespace_id = access_tokens.namespace_id)`,
        ),
    )
    .selectAll("access_tokens")
    .select(sql<number>`coalesce(members.access_level, 0)`.as("access_level"));
}

/** Those that fulfil all conditions of a filter; all for an empty one. */
function selectMatching(db: Db, filter: TokenFilter, now: Date) {
  return db.selectFrom("access_tokens").where((where) => matches(where, filter, now));
}

function matches(where: ExpressionBuilder<Database, "access_tokens">, filter: TokenFilter, now: Date) {
  const isExpired = where("access_tokens.expires_at", "<=", now);
  const isInactive = where.or([where("access_tokens.revoked", "=", true), isExpired]);
  const isActive = where.and([
    where("access_tokens.revoked", "=", false),
    where.or([where("access_tokens.expires_at", "is", null), where("access_tokens.expires_at", ">", now)]),
  ]);
  const between = (
    column: "access_tokens.created_at" | "access_tokens.last_used_at" | "access_tokens.expires_at",
    after: Date | undefined,
    before: Date | undefined,
  ) => [
    ...(after === undefined ? [] : [where(column, ">=", after)]),
    ...(before === undefined ? [] : [where(column, "<", before)]),
  ];
  return where.and([
    ...(filter.userId === undefined ? [] : [where("access_tokens.user_id", "=", filter.userId)]),
    ...(filter.state === undefined ? [] : [filter.state === "active" ? isActive : isInactive]),
    ...(filter.revoked === undefined ? [] : [where("access_tokens.revoked", "=", filter.revoked)]),
    ...(filter.search === undefined ? [] : [where("access_tokens.name", "ilike", containing(filter.search))]),
    ...between("access_tokens.created_at", filter.createdAfter, filter.createdBefore),
    ...between("access_tokens.last_used_at", filter.lastUsedAfter, filter.lastUsedBefore),
    ...between("access_tokens.expires_at", filter.expiresAfter, filter.expiresBefore),
  ]);
}

/** The bot of a token is a member of what the token is for; of a personal token there is no such membership. */
function isMembershipOf(where: ExpressionBuilder<Database, "members">, token: Row) {
  return where.and([
    where("user_id", "=", token.user_id),
    where.or([where("project_id", "=", token.project_id), where("namespace_id", "=", token.namespace_id)]),
  ]);
}

/** The token as it is when this has revoked it; undefined when it was before, or there is none. */
async function revokeRow(transaction: Db, id: number): Promise<Row | undefined> {
  return await transaction
    .updateTable("access_tokens")
    .set({ revoked: true })
    .where("id", "=", id)
    .where("revoked", "=", false)
    .returningAll()
    .executeTakeFirst();
}

async function endMembership(transaction: Db, token: Row): Promise<void> {
  await transaction
    .deleteFrom("members")
    .where((where) => isMembershipOf(where, token))
    .execute();
}

/** A date column's value. */
function dayOf(moment: Date | null): string | null {
  return moment?.toISOString().slice(0, 10) ?? null;
}

function isScope(text: string): text is TokenScope {
  return (TOKEN_SCOPES as readonly string[]).includes(text);
}

function toResourceToken(row: Row & { readonly access_level: number }): ResourceToken {
  return { token: toToken(row), accessLevel: row.access_level };
}

function toToken(row: TokenRow): AccessToken {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    description: row.description,
    scopes: row.scopes.filter(isScope),
    projectId: row.project_id,
    namespaceId: row.namespace_id,
    revoked: row.revoked,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
