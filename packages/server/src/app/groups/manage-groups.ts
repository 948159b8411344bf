import { changedValues } from "../../domain/changed-values.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Namespace } from "../../domain/project.ts";
import { isBot, type Principal } from "../../domain/user.ts";
import { findGroup, findGroupFor, requireScope, requireSignedIn, viewerOf } from "../access.ts";
import { auditedNamespace } from "../audit/entities.ts";
import { PATH_MESSAGE, PATH_PATTERN, RESERVED_TOP_LEVEL } from "../path-rules.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { GroupUseCases } from "./group-use-cases.ts";

type GroupPorts = Pick<Ports, "namespaces" | "audit" | "clock" | "log">;

const LONGEST_NAME = 255;

/** Groups: who may see, make, change and remove them. */
export function groupUseCases(ports: GroupPorts): GroupUseCases {
  return {
    async listGroups(principal, { within, atAnyDepth, isAtTop, ...filter }, page) {
      const parent = within === undefined ? null : await findGroup(ports, principal, within);
      const place = parent === null ? {} : atAnyDepth ? { belowId: parent.id } : { parentId: parent.id };
      return await ports.namespaces.list(
        {
          ...filter,
          ...(isAtTop ? { parentId: null } : {}),
          ...place,
          kind: "group",
          visibleTo: viewerOf(principal),
        },
        page,
      );
    },
    async findGroup(principal, which) {
      return await findGroup(ports, principal, which);
    },
    async createGroup(principal, draft) {
      const { user } = requireSignedIn(principal);
      requireScope(principal, ["api"]);
      await requirePlace(ports, principal, draft.parentId);
      refuseBadNames(draft, draft.parentId === null);
      const group = await ports.namespaces.createGroup({
        ...{ name: draft.name, path: draft.path, parentId: draft.parentId },
        ...{ visibility: draft.visibility ?? "private", description: draft.description ?? null },
        ...(isBot(user) ? {} : { creatorId: user.id }),
      });
      await recordAudit(ports, principal, {
        action: "group-created",
        entity: auditedNamespace(group),
        details: { visibility: group.visibility },
      });
      return group;
    },
    async updateGroup(principal, which, changes) {
      const before = await findGroupFor(ports, principal, which, "admin-namespace");
      refuseBadNames({ ...before, ...changes }, before.parentId === null);
      const after = await ports.namespaces.updateGroup(before.id, changes);
      const changed = changedValues(factsOf(before), factsOf(after));
      if (Object.keys(changed).length > 0) {
        const news = {
          action: "group-changed",
          entity: auditedNamespace(after),
          details: { changes: changed },
        };
        await recordAudit(ports, principal, news);
      }
      return after;
    },
    async removeGroup(principal, which) {
      const group = await findGroupFor(ports, principal, which, "admin-namespace");
      await ports.namespaces.removeGroup(group.id);
      await recordAudit(ports, principal, { action: "group-removed", entity: auditedNamespace(group) });
    },
  };
}

function factsOf({ name, fullPath, visibility, description }: Namespace) {
  return { name, fullPath, visibility, description };
}

/** What nobody is in stands at the top: there a bot would be the owner, and its token the only key. */
async function requirePlace(ports: GroupPorts, principal: Principal, parentId: number | null): Promise<void> {
  if (parentId !== null) {
    await findGroupFor(ports, principal, parentId, "create-subgroup");
    return;
  }
  if (isBot(requireSignedIn(principal).user)) {
    throw new HeliostatError(
      "forbidden",
      "The token of a project or a group makes no groups but below its own.",
    );
  }
}

function refuseBadNames({ name, path }: { name: string; path: string }, isAtTop: boolean): void {
  const fields: Record<string, string[]> = {};
  if (!PATH_PATTERN.test(path)) fields["path"] = [PATH_MESSAGE];
  else if (isAtTop && RESERVED_TOP_LEVEL.has(path.toLowerCase())) fields["path"] = ["is a reserved name"];
  if (name.trim() === "") fields["name"] = ["can't be blank"];
  else if (name.length > LONGEST_NAME) {
    fields["name"] = [`is too long (maximum is ${LONGEST_NAME} characters)`];
  }
  if (Object.keys(fields).length > 0) {
    throw new HeliostatError("model-invalid", "the group is not valid", { fields });
  }
}
