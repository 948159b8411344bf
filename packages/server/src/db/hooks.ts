import { HOOK_EVENTS } from "@heliostat/contract";
import { type Selectable, sql } from "kysely";
import type { HookFacts, HookStore } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Hook } from "../domain/hook.ts";
import { toHealth } from "./deliveries.ts";
import { type HookSecretFacts, hookSecretFacts, writeHookSecrets } from "./hook-secrets.ts";
import type { SecretSealer } from "./mirror-credentials.ts";
import { windowOf } from "./page.ts";
import type { Db } from "./pool.ts";
import type { HooksTable } from "./schema.ts";
import { beginSealing } from "./sealing-lock.ts";

/** Webhooks in PostgreSQL. */
export function createHookStore(db: Db, sealer: SecretSealer): HookStore {
  async function find(from: Db, id: number): Promise<Hook | null> {
    const row = await selectHooks(from).where("id", "=", id).executeTakeFirst();
    return row ? toHook(row) : null;
  }

  return {
    async create(projectId, facts, secrets, { by, at }) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const { id } = await transaction
          .insertInto("hooks")
          .values({
            ...columnsOf(facts),
            ...{ project_id: projectId, created_by: by, created_at: at },
            ...{ url: facts.url, events: [...facts.events] },
          })
          .returning("id")
          .executeTakeFirstOrThrow();
        await writeHookSecrets(transaction, sealer, { kind: "hook", id }, secrets);
        const made = await find(transaction, id);
        if (made === null) throw new HeliostatError("bug", "a hook that was just made is not there");
        return made;
      });
    },
    async find(projectId, id) {
      const hook = await find(db, id);
      return hook !== null && (projectId === null || hook.projectId === projectId) ? hook : null;
    },
    async list(projectId, page) {
      const { limit, offset } = windowOf(page);
      const { total } = await db
        .selectFrom("hooks")
        .select(({ fn }) => fn.countAll<number>().as("total"))
        .where("project_id", "=", projectId)
        .executeTakeFirstOrThrow();
      const rows = await selectHooks(db)
        .where("project_id", "=", projectId)
        .orderBy("id")
        .limit(limit)
        .offset(offset)
        .execute();
      return { items: rows.map(toHook), total };
    },
    async listTold(projectId, events) {
      const rows = await selectHooks(db)
        .where("project_id", "=", projectId)
        .where(sql<boolean>`events && ${[...events]}::text[]`)
        .where(sql<boolean>`disabled_until is distinct from 'infinity'`)
        .orderBy("id")
        .execute();
      return rows.map(toHook);
    },
    async count(projectId) {
      const { count } = await db
        .selectFrom("hooks")
        .select(({ fn }) => fn.countAll<number>().as("count"))
        .where("project_id", "=", projectId)
        .executeTakeFirstOrThrow();
      return count;
    },
    async update(id, facts, secrets) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const row = await transaction
          .updateTable("hooks")
          .set({ ...columnsOf(facts), updated_at: sql`now()` })
          .where("id", "=", id)
          .returning("id")
          .executeTakeFirst();
        if (row === undefined) return null;
        await writeHookSecrets(transaction, sealer, { kind: "hook", id }, secrets);
        return await find(transaction, id);
      });
    },
    async remove(id) {
      await db.deleteFrom("hooks").where("id", "=", id).execute();
    },
  };
}

function selectHooks(db: Db) {
  return db.selectFrom("hooks").selectAll().select(hookSecretFacts("hooks"));
}

function columnsOf(facts: Partial<HookFacts>) {
  return {
    url: facts.url,
    name: facts.name,
    description: facts.description,
    enable_ssl_verification: facts.verifiesCertificate,
    events: facts.events === undefined ? undefined : [...facts.events],
    push_events_branch_filter: facts.branchFilter,
    branch_filter_strategy: facts.branchFilterStrategy,
    custom_webhook_template: facts.template,
  };
}

function toHook(row: Selectable<HooksTable> & { readonly secrets: readonly HookSecretFacts[] }): Hook {
  const namesOf = (kind: HookSecretFacts["kind"]) =>
    row.secrets.filter((secret) => secret.kind === kind).map(({ name }) => name);
  return {
    id: row.id,
    projectId: row.project_id,
    url: row.url,
    name: row.name,
    description: row.description,
    verifiesCertificate: row.enable_ssl_verification,
    events: HOOK_EVENTS.filter((event) => row.events.includes(event)),
    branchFilter: row.push_events_branch_filter,
    branchFilterStrategy: row.branch_filter_strategy,
    template: row.custom_webhook_template,
    urlVariables: namesOf("url_variable"),
    customHeaders: namesOf("header"),
    hasToken: namesOf("token").length > 0,
    hasSigningToken: namesOf("signing_token").length > 0,
    secretKeyIds: row.secrets.map(({ key_id }) => key_id),
    health: toHealth(row),
    createdAt: row.created_at,
  };
}
