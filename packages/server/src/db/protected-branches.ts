import type {
  AccessEntry,
  BranchAction,
  NewProtectedBranch,
  ProtectedBranch,
  ProtectedBranchStore,
} from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Grantee } from "../domain/protections.ts";
import { distinctGrantees, GRANTEE_NAME, granteeColumns, toAccessEntry } from "./access-entries.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { inTransaction } from "./in-transaction.ts";
import type { Db } from "./pool.ts";

const ACTIONS = ["push", "merge", "unprotect"] as const;

/** The rules of branches with their entries; `conflict` for a second one of the same name. */
export function createProtectedBranchStore(db: Db): ProtectedBranchStore {
  return {
    list: (projectId) => list(db, projectId),
    async create(projectId, branch) {
      try {
        return await inTransaction(db, async (trx) => {
          await insert(trx, projectId, branch);
          return await findExisting(trx, projectId, branch.name);
        });
      } catch (error) {
        if (brokenUniqueness(error) === null) throw error;
        throw new HeliostatError("conflict", `Protected branch '${branch.name}' already exists`, {
          cause: error,
        });
      }
    },
    async update(projectId, name, { allowForcePush, ...changes }) {
      return await inTransaction(db, async (trx) => {
        const row = await trx
          .selectFrom("protected_branches")
          .select("id")
          .where("project_id", "=", projectId)
          .where("name", "=", name)
          .forUpdate()
          .executeTakeFirst();
        if (!row) return null;
        if (allowForcePush !== undefined) {
          await trx
            .updateTable("protected_branches")
            .set({ allow_force_push: allowForcePush })
            .where("id", "=", row.id)
            .execute();
        }
        const before = await findExisting(trx, projectId, name);
        for (const action of ACTIONS) {
          const { add = [], remove = [], change = [] } = changes[action] ?? {};
          if (remove.length > 0) {
            await trx
              .deleteFrom("protected_branch_access_levels")
              .where("protected_branch_id", "=", row.id)
              .where("action", "=", action)
              .where("id", "in", remove)
              .execute();
          }
          for (const { id, grantee } of change) {
            await trx
              .updateTable("protected_branch_access_levels")
              .set(granteeColumns(grantee))
              .where("protected_branch_id", "=", row.id)
              .where("action", "=", action)
              .where("id", "=", id)
              .execute();
          }
          const kept = before[action].filter(({ id }) => !remove.includes(id)).map(({ grantee }) => grantee);
          await insertEntries(trx, row.id, action, distinctGrantees([...kept, ...add]).slice(kept.length));
        }
        return await findExisting(trx, projectId, name);
      });
    },
    async remove(projectId, name) {
      const { numDeletedRows } = await db
        .deleteFrom("protected_branches")
        .where("project_id", "=", projectId)
        .where("name", "=", name)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async protectDefault(projectId, rule) {
      return await inTransaction(db, async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable("projects")
          .set({ default_branch_was_protected: true })
          .where("id", "=", projectId)
          .where("default_branch_was_protected", "=", false)
          .executeTakeFirst();
        if (numUpdatedRows === 0n || rule === null) return false;
        const isThere = (await list(trx, projectId)).some(({ name }) => name === rule.name);
        if (!isThere) await insert(trx, projectId, rule);
        return !isThere;
      });
    },
    async isDeployKeyOf(projectId, keyId) {
      const row = await db
        .selectFrom("deploy_key_projects")
        .select("project_id")
        .where("project_id", "=", projectId)
        .where("ssh_key_id", "=", keyId)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

async function list(db: Db, projectId: number): Promise<readonly ProtectedBranch[]> {
  const rows = await db
    .selectFrom("protected_branches")
    .leftJoin(
      "protected_branch_access_levels as entries",
      "entries.protected_branch_id",
      "protected_branches.id",
    )
    .select([
      "protected_branches.id",
      "protected_branches.name",
      "protected_branches.allow_force_push",
      "entries.id as entry_id",
      "entries.action",
      "entries.access_level",
      "entries.user_id",
      "entries.group_id",
      "entries.deploy_key_id",
      GRANTEE_NAME.as("grantee_name"),
    ])
    .where("protected_branches.project_id", "=", projectId)
    .orderBy("protected_branches.id")
    .orderBy("entries.id")
    .execute();
  const branches = new Map<number, { id: number; name: string; allowForcePush: boolean }>();
  const entries = new Map<string, AccessEntry[]>();
  for (const row of rows) {
    branches.set(row.id, { id: row.id, name: row.name, allowForcePush: row.allow_force_push });
    if (row.entry_id === null) continue;
    const key = `${row.id} ${row.action}`;
    entries.set(key, [...(entries.get(key) ?? []), toAccessEntry({ ...row, id: row.entry_id })]);
  }
  const of = (id: number, action: BranchAction) => entries.get(`${id} ${action}`) ?? [];
  return [...branches.values()].map((branch) => ({
    ...branch,
    projectId,
    push: of(branch.id, "push"),
    merge: of(branch.id, "merge"),
    unprotect: of(branch.id, "unprotect"),
  }));
}

async function findExisting(db: Db, projectId: number, name: string): Promise<ProtectedBranch> {
  const branch = (await list(db, projectId)).find((candidate) => candidate.name === name);
  if (!branch) throw new HeliostatError("not-found", "Not found");
  return branch;
}

async function insert(db: Db, projectId: number, branch: NewProtectedBranch): Promise<void> {
  const { id } = await db
    .insertInto("protected_branches")
    .values({ project_id: projectId, name: branch.name, allow_force_push: branch.allowForcePush })
    .returning("id")
    .executeTakeFirstOrThrow();
  for (const action of ACTIONS) await insertEntries(db, id, action, distinctGrantees(branch[action]));
}

async function insertEntries(
  db: Db,
  branchId: number,
  action: BranchAction,
  grantees: readonly Grantee[],
): Promise<void> {
  if (grantees.length === 0) return;
  await db
    .insertInto("protected_branch_access_levels")
    .values(
      grantees.map((grantee) => ({ protected_branch_id: branchId, action, ...granteeColumns(grantee) })),
    )
    .execute();
}
