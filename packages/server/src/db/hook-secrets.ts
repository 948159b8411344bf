import { sql } from "kysely";
import type { HookSecretChanges, HookSecretName, HookSecretStore } from "../app/ports.ts";
import type { DeliveryTarget } from "../domain/delivery.ts";
import type { SecretSealer } from "./mirror-credentials.ts";
import type { Db } from "./pool.ts";

/** A text that is part of what is sealed, so that a sealed text cannot be moved to another row. */
export function hookSecretContext({ kind, id }: DeliveryTarget, secret: HookSecretName): string {
  return `${kind}:${id}:${secret.kind}:${secret.name}`;
}

/** The secrets of hooks and pipeline triggers in PostgreSQL, each sealed for its own row. */
export function createHookSecretStore(db: Db, secrets: SecretSealer): HookSecretStore {
  return {
    async read(owner) {
      const rows = await db
        .selectFrom("hook_secrets")
        .select(["kind", "name", "value_sealed", "value_key_id"])
        .where(ownerColumn(owner), "=", owner.id)
        .execute();
      const opened = rows.map((row) => ({
        kind: row.kind,
        name: row.name,
        value: secrets.open(
          { sealed: row.value_sealed, keyId: row.value_key_id },
          hookSecretContext(owner, row),
        ),
      }));
      const pairsOf = (kind: HookSecretName["kind"]) =>
        new Map(opened.flatMap((one) => (one.kind === kind ? [[one.name, one.value] as const] : [])));
      return {
        token: pairsOf("token").get("") ?? null,
        signingToken: pairsOf("signing_token").get("") ?? null,
        headers: pairsOf("header"),
        urlVariables: pairsOf("url_variable"),
      };
    },
  };
}

/** Writes what changes of the secrets of a row that is there; the caller has told of it by `beginSealing`. */
export async function writeHookSecrets(
  transaction: Db,
  sealer: SecretSealer,
  owner: DeliveryTarget,
  { set, forgetsOthers, replaces }: HookSecretChanges,
): Promise<void> {
  const column = ownerColumn(owner);
  const known = await transaction
    .selectFrom("hook_secrets")
    .select(["id", "kind", "name"])
    .where(column, "=", owner.id)
    .execute();
  const gone = known.filter(({ kind, name }) => {
    const named = set.some((one) => one.kind === kind && one.name === name);
    return named || forgetsOthers || replaces.includes(kind);
  });
  if (gone.length > 0) {
    await transaction
      .deleteFrom("hook_secrets")
      .where(
        "id",
        "in",
        gone.map(({ id }) => id),
      )
      .execute();
  }
  const rows = set.flatMap(({ kind, name, value }) => {
    if (value === null) return [];
    const { sealed, keyId } = sealer.seal(value, hookSecretContext(owner, { kind, name }));
    return [
      {
        hook_id: owner.kind === "hook" ? owner.id : null,
        pipeline_trigger_id: owner.kind === "hook" ? null : owner.id,
        ...{ kind, name, value_sealed: sealed, value_key_id: keyId },
      },
    ];
  });
  if (rows.length > 0) await transaction.insertInto("hook_secrets").values(rows).execute();
}

/** What a hook or a pipeline trigger is shown with of its secrets. */
export interface HookSecretFacts {
  readonly kind: HookSecretName["kind"];
  readonly name: string;
  readonly key_id: string;
}

/** The same as a column of a row of `hooks` or `pipeline_triggers`. */
export function hookSecretFacts(table: "hooks" | "pipeline_triggers") {
  const column = table === "hooks" ? "hook_secrets.hook_id" : "hook_secrets.pipeline_trigger_id";
  return sql<readonly HookSecretFacts[]>`coalesce((
    select jsonb_agg(jsonb_build_object('kind', kind, 'name', name, 'key_id', value_key_id) order by hook_secrets.id)
      from hook_secrets where ${sql.ref(column)} = ${sql.ref(`${table}.id`)}), '[]'::jsonb)`.as("secrets");
}

function ownerColumn({ kind }: DeliveryTarget): "hook_id" | "pipeline_trigger_id" {
  return kind === "hook" ? "hook_id" : "pipeline_trigger_id";
}
