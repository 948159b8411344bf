import type { Visibility } from "@heliostat/contract";
import { type RawBuilder, type Selectable, type SqlBool, sql } from "kysely";
import type { ProjectStore, StoredProjectFilter } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { ACCESS_LEVELS } from "../domain/policy.ts";
import type { Project } from "../domain/project.ts";
import { complaintAbove, lessVisible } from "../domain/visibility.ts";
import { brokenUniqueness } from "./broken-constraint.ts";
import { containing } from "./like.ts";
import { lockTree } from "./lock-tree.ts";
import { isMemberOfProject } from "./members.ts";
import { refuseVisibility, toNamespace } from "./namespaces.ts";
import { countUpTo, planPart, type SortKey, takePart } from "./part.ts";
import type { Db } from "./pool.ts";
import { prepare } from "./prepared.ts";
import type { Database } from "./schema.ts";

type ProjectOrder = NonNullable<StoredProjectFilter["order"]>["by"];

const SORT_KINDS: Readonly<Record<ProjectOrder, SortKey["kind"]>> = {
  id: "id",
  name: "text",
  path: "text",
  created_at: "time",
  updated_at: "time",
  last_activity_at: "time",
};

/** Projects, found by id or by full path in any case; `model-invalid` for a path that is taken. */
export function createProjectStore(db: Db): ProjectStore {
  return {
    async create(project) {
      const id = await refuseTakenPath(() =>
        db.transaction().execute(async (transaction) => {
          await refuseMisfit(transaction, project.namespaceId, project);
          const row = await transaction
            .insertInto("projects")
            .values({
              namespace_id: project.namespaceId,
              name: project.name,
              path: project.path,
              description: project.description,
              visibility: project.visibility,
              creator_id: project.creatorId,
              topics: [...(project.topics ?? [])],
              kept_attributes: JSON.stringify(project.keptAttributes ?? {}),
            })
            .returning("id")
            .executeTakeFirstOrThrow();
          return row.id;
        }),
      );
      return await findExisting(db, id);
    },
    find: (id) => find(db, id),
    findAll: (ids) => findMany(db, ids),
    async findByFullPath(fullPath) {
      const slash = fullPath.lastIndexOf("/");
      if (slash < 1) return null;
      const paths = [fullPath.slice(0, slash), fullPath.slice(slash + 1)];
      const [row] = await BY_FULL_PATH.read(db, paths);
      return row ? withNamespace(row) : null;
    },
    async update(id, changes) {
      const { visibility, path } = changes;
      await refuseTakenPath(() =>
        db.transaction().execute(async (transaction) => {
          if (visibility !== undefined || path !== undefined) {
            const { namespaceId } = await lockProject(transaction, id);
            await refuseMisfit(transaction, namespaceId, { visibility, path });
          }
          await transaction
            .updateTable("projects")
            .set({
              name: changes.name,
              path: changes.path,
              description: changes.description,
              visibility: changes.visibility,
              archived: changes.archived,
              pull_mirror_available_overridden: changes.pullMirrorAvailable,
              remote_mirror_available_overridden: changes.pushMirrorsAvailable,
              repository_size_limit: changes.limits?.repositorySizeLimit,
              max_refs: changes.limits?.maxRefs,
              fsck_severity: changes.limits?.fsckSeverity,
              max_file_size: changes.limits?.maxFileSize,
              max_push_size: changes.limits?.maxPushSize,
              pushes_to_mirrored_branches: changes.pushesToMirroredBranches,
              topics: changes.topics === undefined ? undefined : [...changes.topics],
              kept_attributes:
                changes.keptAttributes === undefined
                  ? undefined
                  : sql`kept_attributes || ${JSON.stringify(changes.keptAttributes)}::jsonb`,
              updated_at: sql`now()`,
            })
            .where("id", "=", id)
            .execute();
        }),
      );
      return await findExisting(db, id);
    },
    async transfer(id, namespaceId) {
      await refuseTakenPath(() =>
        db.transaction().execute(async (transaction) => {
          const { visibility, path } = await lockProject(transaction, id);
          await refuseMisfit(transaction, namespaceId, { path });
          const group = await visibilityOf(transaction, namespaceId);
          await transaction
            .updateTable("projects")
            .set({
              namespace_id: namespaceId,
              visibility: group === null ? visibility : lessVisible(visibility, group),
              updated_at: sql`now()`,
            })
            .where("id", "=", id)
            .execute();
        }),
      );
      return await findExisting(db, id);
    },
    async remove(id) {
      await db.deleteFrom("projects").where("id", "=", id).execute();
    },
    async list(filter, window) {
      let matching = db.selectFrom("projects");
      const viewer = filter.visibleTo;
      if (viewer === null) matching = matching.where("projects.visibility", "=", "public");
      else if (!viewer.isAdmin) {
        matching = matching.where((where) =>
          where.or([
            where("projects.visibility", "in", viewer.seesInternal ? ["public", "internal"] : ["public"]),
            isMemberOfProject(viewer, ACCESS_LEVELS.guest),
          ]),
        );
      }
      const { leastLevel, namespaceId, order = { by: "id", descending: true } } = filter;
      if (leastLevel !== undefined) {
        if (viewer === null) return { items: [], total: 0, next: null };
        matching = matching.where(isMemberOfProject(viewer, leastLevel));
      }
      if (namespaceId !== undefined) {
        matching = filter.withBelow
          ? matching.where(sql<SqlBool>`projects.namespace_id in (
              select below.id from namespaces as below where below.traversal_ids @> ${[namespaceId]}::integer[])`)
          : matching.where("projects.namespace_id", "=", namespaceId);
      }
      if (filter.visibility) matching = matching.where("projects.visibility", "=", filter.visibility);
      if (filter.archived !== undefined) matching = matching.where("projects.archived", "=", filter.archived);
      if (filter.idAfter !== undefined) matching = matching.where("projects.id", ">", filter.idAfter);
      if (filter.idBefore !== undefined) matching = matching.where("projects.id", "<", filter.idBefore);
      const { lastActivityAfter: after, lastActivityBefore: before } = filter;
      if (after !== undefined) matching = matching.where("projects.last_activity_at", ">", after);
      if (before !== undefined) matching = matching.where("projects.last_activity_at", "<", before);
      if (filter.topics !== undefined && filter.topics.length > 0) {
        matching = matching.where(sql<SqlBool>`projects.topics @> ${[...filter.topics]}::text[]`);
      }
      if (filter.search) {
        const pattern = containing(filter.search);
        matching = matching.where((where) =>
          where.or([where("projects.name", "ilike", pattern), where("projects.path", "ilike", pattern)]),
        );
      }
      const key: SortKey = {
        name: order.by,
        column: sql.ref(`projects.${order.by}`),
        id: sql.ref("projects.id"),
        kind: SORT_KINDS[order.by],
        descending: order.descending,
      };
      const plan = planPart(key, window);
      const rows = await (plan.behind === null ? matching : matching.where(plan.behind))
        .select(["projects.id", plan.cursorValue.as("cursor_value")])
        .orderBy(plan.order)
        .limit(plan.limit)
        .offset(plan.offset)
        .execute();
      const part = await takePart(key, window, rows, () =>
        countUpTo(db, sql`${matching.select(sql`1`.as("one"))}`),
      );
      const ids = part.items.map(({ id }) => id);
      return { ...part, items: await findMany(db, ids) };
    },
    async beginRefsWrite(id) {
      await db
        .updateTable("projects")
        .set({ refs_writers: sql`refs_writers + 1` })
        .where("id", "=", id)
        .execute();
    },
    async endRefsWrite(id) {
      const row = await db
        .updateTable("projects")
        .set({
          refs_writers: sql`greatest(refs_writers - 1, 0)`,
          refs_generation: sql`refs_generation + 1`,
        })
        .where("id", "=", id)
        .returning(["refs_generation", "refs_writers"])
        .executeTakeFirst();
      return row?.refs_writers === 0 ? row.refs_generation : null;
    },
    async endLostRefsWrites() {
      await sql`with lost as (
          update projects set refs_writers = 0, refs_generation = refs_generation + 1
          where refs_writers > 0 returning id
        )
        update mirrors set next_check_at = now() from lost where mirrors.project_id = lost.id and next_check_at > now()`.execute(
        db,
      );
    },
    async claimHousekeeping(id, { now, until, isRenewal }) {
      const claimed = await db
        .updateTable("projects")
        .set({ housekeeping_until: until })
        .where("id", "=", id)
        .where((where) =>
          where.or([
            where.val(isRenewal),
            where("housekeeping_until", "is", null),
            where("housekeeping_until", "<", now),
          ]),
        )
        .returning("id")
        .executeTakeFirst();
      return claimed !== undefined;
    },
    async endHousekeeping(id) {
      await db.updateTable("projects").set({ housekeeping_until: null }).where("id", "=", id).execute();
    },
    async touchActivity(id, now) {
      await db.updateTable("projects").set({ last_activity_at: now }).where("id", "=", id).execute();
    },
  };
}

/** Nobody else changes or moves it until the transaction ends. Always before the tree of groups, so that none waits for ever. */
async function lockProject(
  transaction: Db,
  id: number,
): Promise<{ namespaceId: number; path: string; visibility: Visibility }> {
  const row = await transaction
    .selectFrom("projects")
    .select(["namespace_id", "path", "visibility"])
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw removed();
  return { namespaceId: row.namespace_id, path: row.path, visibility: row.visibility };
}

/**
 * `model-invalid` for a project that would be more visible than its group, or have the path of a group beside it: a URL
 * leads to one thing. Nothing of this changes until the transaction ends.
 */
async function refuseMisfit(
  transaction: Db,
  namespaceId: number,
  { visibility, path }: { readonly visibility?: Visibility | undefined; readonly path?: string | undefined },
): Promise<void> {
  await lockTree(transaction, namespaceId, "rely");
  if (visibility !== undefined) {
    refuseVisibility(complaintAbove(visibility, await visibilityOf(transaction, namespaceId), "project"));
  }
  if (path === undefined) return;
  const group = await transaction
    .selectFrom("namespaces")
    .select("id")
    .where("parent_id", "=", namespaceId)
    .where((where) => where(where.fn("lower", ["path"]), "=", path.toLowerCase()))
    .executeTakeFirst();
  if (group) throw pathTaken();
}

async function visibilityOf(db: Db, namespaceId: number): Promise<Visibility | null> {
  const row = await db
    .selectFrom("namespaces")
    .select("visibility")
    .where("id", "=", namespaceId)
    .executeTakeFirst();
  return row?.visibility ?? null;
}

async function refuseTakenPath<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (brokenUniqueness(error) !== "projects_path") throw error;
    throw pathTaken();
  }
}

function pathTaken(): HeliostatError {
  return new HeliostatError("model-invalid", "path has already been taken", {
    fields: { name: ["has already been taken"], path: ["has already been taken"] },
  });
}

function removed(): HeliostatError {
  return new HeliostatError("not-found", "The project was removed.");
}

async function find(db: Db, id: number): Promise<Project | null> {
  const [row] = await BY_ID.read(db, [id]);
  return row ? withNamespace(row) : null;
}

type ProjectRow = Omit<Selectable<Database["projects"]>, "housekeeping_until">;
type NamespaceRow = Parameters<typeof toNamespace>[0];

interface JoinedRow extends ProjectRow {
  readonly namespace_kind: NamespaceRow["kind"];
  readonly namespace_name: string;
  readonly namespace_path: string;
  readonly namespace_full_path: string;
  readonly namespace_parent_id: number | null;
  readonly namespace_owner_id: number | null;
  readonly namespace_traversal_ids: number[];
  readonly namespace_visibility: Visibility | null;
  readonly namespace_description: string | null;
}

const JOINED = `select project.id, project.namespace_id, project.name, project.path, project.description, project.visibility,
    project.archived, project.creator_id, project.refs_generation, project.refs_writers,
    project.pull_mirror_available_overridden, project.remote_mirror_available_overridden,
    project.repository_size_limit, project.max_refs, project.fsck_severity, project.max_file_size,
    project.max_push_size, project.pushes_to_mirrored_branches, project.default_branch_was_protected,
    project.topics, project.kept_attributes,
    project.created_at, project.updated_at, project.last_activity_at,
    namespaces.kind as namespace_kind, namespaces.name as namespace_name, namespaces.path as namespace_path,
    namespaces.full_path as namespace_full_path, namespaces.parent_id as namespace_parent_id,
    namespaces.owner_id as namespace_owner_id, namespaces.traversal_ids as namespace_traversal_ids,
    namespaces.visibility as namespace_visibility, namespaces.description as namespace_description
  from projects as project join namespaces on namespaces.id = project.namespace_id`;

const BY_ID = prepare<JoinedRow>("project-by-id", `${JOINED} where project.id = $1`);
const BY_FULL_PATH = prepare<JoinedRow>(
  "project-by-full-path",
  `${JOINED} where lower(namespaces.full_path) = lower($1) and lower(project.path) = lower($2)`,
);

function withNamespace(row: JoinedRow): Project {
  return toProject(row, {
    id: row.namespace_id,
    kind: row.namespace_kind,
    name: row.namespace_name,
    path: row.namespace_path,
    full_path: row.namespace_full_path,
    parent_id: row.namespace_parent_id,
    owner_id: row.namespace_owner_id,
    traversal_ids: row.namespace_traversal_ids,
    visibility: row.namespace_visibility,
    description: row.namespace_description,
  });
}

async function findExisting(db: Db, id: number): Promise<Project> {
  const project = await find(db, id);
  if (!project) throw removed();
  return project;
}

/** As one array: PostgreSQL takes no more than 65,535 values one by one. */
function isOneOf(ids: readonly number[]): RawBuilder<boolean> {
  return sql<boolean>`id = any(${[...ids]}::integer[])`;
}

/** The projects with these ids, in the order given; one query for them and one for their namespaces. */
async function findMany(db: Db, ids: readonly number[]): Promise<Project[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("projects").selectAll().where(isOneOf(ids)).execute();
  if (rows.length === 0) return [];
  const namespaces = await db
    .selectFrom("namespaces")
    .selectAll()
    .where("id", "in", [...new Set(rows.map((row) => row.namespace_id))])
    .execute();
  const namespaceOf = new Map(namespaces.map((row) => [row.id, row]));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    const namespace = row && namespaceOf.get(row.namespace_id);
    return row && namespace ? [toProject(row, namespace)] : [];
  });
}

function toProject(row: ProjectRow, namespace: NamespaceRow): Project {
  return {
    id: row.id,
    namespace: toNamespace(namespace),
    name: row.name,
    path: row.path,
    description: row.description,
    visibility: row.visibility,
    archived: row.archived,
    creatorId: row.creator_id,
    pullMirrorAvailable: row.pull_mirror_available_overridden,
    pushMirrorsAvailable: row.remote_mirror_available_overridden,
    limits: {
      repositorySizeLimit: row.repository_size_limit,
      maxRefs: row.max_refs,
      fsckSeverity: row.fsck_severity,
      maxFileSize: row.max_file_size,
      maxPushSize: row.max_push_size,
    },
    pushesToMirroredBranches: row.pushes_to_mirrored_branches,
    defaultBranchWasProtected: row.default_branch_was_protected,
    topics: row.topics,
    keptAttributes: row.kept_attributes,
    refsGeneration: row.refs_writers === 0 ? row.refs_generation : null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastActivityAt: row.last_activity_at,
  };
}
