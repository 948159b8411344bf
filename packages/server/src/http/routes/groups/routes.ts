import {
  groupChangeParams,
  groupListParams,
  groupParams,
  groupProjectListParams,
  groupSchema,
  groupsBelowParams,
  newGroupParams,
  projectIntoGroupParams,
} from "@heliostat/contract/api/groups.ts";
import { messageSchema } from "@heliostat/contract/api/instance.ts";
import { listedProjectSchema } from "@heliostat/contract/api/projects.ts";
import type { z } from "zod";
import type { GroupFilter } from "../../../app/groups/group-use-cases.ts";
import { given } from "../../../domain/given.ts";
import { ACCESS_LEVELS } from "../../../domain/policy.ts";
import { listOf, withStatus } from "../../api-answer.ts";
import { accepted, apiRoute, created, ok, partOfList, windowFrom } from "../../api-route.ts";
import { presentListedProject } from "../projects/present.ts";
import { readProjectFilter } from "../projects/read-filter.ts";
import { presentGroup } from "./present.ts";

function readFilter(
  params: Pick<
    z.output<typeof groupListParams>,
    "search" | "owned" | "min_access_level" | "visibility" | "order_by" | "sort"
  >,
): GroupFilter {
  const { order_by: by = "name" } = params;
  return given({
    search: params.search,
    leastLevel: params.owned ? ACCESS_LEVELS.owner : params.min_access_level,
    visibility: params.visibility,
    order: { by: by === "similarity" ? "name" : by, descending: params.sort === "desc" },
  });
}

export const groupRoutes = [
  apiRoute({
    method: "GET",
    path: "/groups",
    access: "anyone",
    summary: "List groups",
    params: groupListParams,
    answer: listOf(groupSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const window = windowFrom(params);
      const filter = { ...readFilter(params), isAtTop: params.top_level_only === true };
      const groups = await useCases.listGroups(principal, filter, window);
      return partOfList(groups, window, (group) => presentGroup(group, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/groups/:id",
    access: "anyone",
    summary: "Show a group",
    params: groupParams,
    answer: groupSchema,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentGroup(await useCases.findGroup(principal, params.id), externalUrl)),
  }),
  ...([false, true] as const).map((atAnyDepth) =>
    apiRoute({
      method: "GET",
      path: `/groups/:id/${atAnyDepth ? "descendant_groups" : "subgroups"}`,
      access: "anyone",
      summary: `List the groups ${atAnyDepth ? "at any depth below" : "right below"} a group`,
      params: groupsBelowParams,
      answer: listOf(groupSchema),
      handle: async ({ useCases, principal, params, externalUrl }) => {
        const window = windowFrom(params);
        const filter = { ...readFilter(params), within: params.id, atAnyDepth };
        const groups = await useCases.listGroups(principal, filter, window);
        return partOfList(groups, window, (group) => presentGroup(group, externalUrl));
      },
    }),
  ),
  apiRoute({
    method: "GET",
    path: "/groups/:id/projects",
    access: "anyone",
    summary: "List the projects of a group",
    params: groupProjectListParams,
    answer: listOf(listedProjectSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const window = windowFrom(params);
      const withSubgroups = params.include_subgroups === true;
      const filter = {
        ...readProjectFilter(params),
        within: { kind: "group" as const, which: params.id, withSubgroups },
      };
      const projects = await useCases.listProjects(principal, filter, window);
      return partOfList(projects, window, (view) => presentListedProject(view, externalUrl, params));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/groups",
    access: "api",
    summary: "Create a group",
    params: newGroupParams,
    answer: groupSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const group = await useCases.createGroup(principal, {
        name: params.name,
        path: params.path,
        parentId: params.parent_id ?? null,
        ...given({ visibility: params.visibility, description: params.description }),
      });
      return created(presentGroup(group, externalUrl));
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/groups/:id",
    access: "api",
    summary: "Change a group",
    params: groupChangeParams,
    answer: groupSchema,
    handle: async ({ useCases, principal, params: { id, ...changes }, externalUrl }) =>
      ok(presentGroup(await useCases.updateGroup(principal, id, given(changes)), externalUrl)),
  }),
  apiRoute({
    method: "DELETE",
    path: "/groups/:id",
    access: "api",
    summary: "Remove a group",
    params: groupParams,
    answer: withStatus(202, messageSchema),
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeGroup(principal, params.id);
      return accepted({ message: "202 Accepted" });
    },
  }),
  apiRoute({
    method: "POST",
    path: "/groups/:id/projects/:project_id",
    access: "api",
    summary: "Move a project into a group",
    params: projectIntoGroupParams,
    answer: groupSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const group = await useCases.findGroup(principal, params.id);
      await useCases.transferProject(principal, params.project_id, group.id);
      return created(presentGroup(group, externalUrl));
    },
  }),
];
