import { type Selectable, sql } from "kysely";
import type { PipelineTriggerFacts, PipelineTriggerStore } from "../app/ports.ts";
import type { PipelineTrigger } from "../domain/pipeline-trigger.ts";
import { toHealth } from "./deliveries.ts";
import { writeHookSecrets } from "./hook-secrets.ts";
import type { SecretSealer } from "./mirror-credentials.ts";
import type { Db } from "./pool.ts";
import type { Database } from "./schema.ts";
import { beginSealing } from "./sealing-lock.ts";

const HAS_TOKEN = sql<boolean>`exists (select from hook_secrets
  where pipeline_trigger_id = pipeline_triggers.id and kind = 'token')`.as("has_token");

/** Pipeline triggers; their tokens are in `hook_secrets`. */
export function createPipelineTriggerStore(db: Db, secrets: SecretSealer): PipelineTriggerStore {
  const select = (from: Db) => from.selectFrom("pipeline_triggers").selectAll().select(HAS_TOKEN);

  async function find(from: Db, id: number): Promise<PipelineTrigger | null> {
    const row = await select(from).where("id", "=", id).executeTakeFirst();
    return row === undefined ? null : toTrigger(row);
  }

  async function writeToken(transaction: Db, id: number, value: string | null): Promise<void> {
    const set = [{ kind: "token", name: "", value }] as const;
    const changes = { set, forgetsOthers: false, replaces: [] };
    await writeHookSecrets(transaction, secrets, { kind: "pipeline-trigger", id }, changes);
  }

  return {
    async create(projectId, facts, token, createdBy) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const { id } = await transaction
          .insertInto("pipeline_triggers")
          .values({ project_id: projectId, created_by: createdBy, ...columnsOf(facts) })
          .returning("id")
          .executeTakeFirstOrThrow();
        await writeToken(transaction, id, token);
        return toTrigger(await select(transaction).where("id", "=", id).executeTakeFirstOrThrow());
      });
    },
    async listOf(projectId) {
      const rows = await select(db).where("project_id", "=", projectId).orderBy("id").execute();
      return rows.map(toTrigger);
    },
    find: (id) => find(db, id),
    async update(id, facts, token) {
      return await db.transaction().execute(async (transaction) => {
        await beginSealing(transaction);
        const row = await transaction
          .updateTable("pipeline_triggers")
          .set({ ...columnsOf(facts), updated_at: sql<Date>`now()` })
          .where("id", "=", id)
          .returning("id")
          .executeTakeFirst();
        if (row === undefined) return null;
        if (token !== undefined) await writeToken(transaction, id, token);
        return await find(transaction, id);
      });
    },
    async remove(id) {
      await db.deleteFrom("pipeline_triggers").where("id", "=", id).execute();
    },
  };
}

function columnsOf(facts: PipelineTriggerFacts) {
  const { kind, name, url, enabled, verifiesCertificate, refFilter, options } = facts;
  return {
    ...{ kind, name, url, enabled, ref_filter: refFilter, enable_ssl_verification: verifiesCertificate },
    options: JSON.stringify(options),
  };
}

function toTrigger(
  row: Selectable<Database["pipeline_triggers"]> & { readonly has_token: boolean },
): PipelineTrigger {
  return {
    id: row.id,
    projectId: row.project_id,
    kind: row.kind,
    name: row.name,
    url: row.url,
    enabled: row.enabled,
    verifiesCertificate: row.enable_ssl_verification,
    refFilter: row.ref_filter,
    options: row.options,
    hasToken: row.has_token,
    health: toHealth(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
