import {
  addedMembersSchema,
  memberChangeParams,
  memberListParams,
  memberParams,
  memberRemovalParams,
  memberSchema,
  newMemberParams,
} from "@heliostat/contract/api/members.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, list, noContent, ok, pageFrom } from "../../api-route.ts";
import { presentMember } from "./present.ts";

/** The routes of a project's members and of a group's, which are the same. */
function routesOf(kind: "project" | "group") {
  const path = `/${kind}s/:id/members`;
  return [
    ...([false, true] as const).flatMap((withInherited) => {
      const all = withInherited ? "/all" : "";
      return [
        apiRoute({
          method: "GET",
          path: `${path}${all}`,
          access: "anyone",
          summary: `List the members of a ${kind}${withInherited ? " and those who are by a group above" : ""}`,
          params: memberListParams,
          answer: listOf(memberSchema),
          handle: async ({ useCases, principal, params, externalUrl }) => {
            const page = pageFrom(params);
            const filter = { withInherited, ...given({ search: params.query, userIds: params.user_ids }) };
            const members = await useCases.listMembers(principal, { kind, which: params.id }, filter, page);
            return list(
              members.items.map((member) => presentMember(member, externalUrl)),
              page,
              members.total,
            );
          },
        }),
        apiRoute({
          method: "GET",
          path: `${path}${all}/:user_id`,
          access: "anyone",
          summary: `Show a member of a ${kind}${withInherited ? ", also one by a group above" : ""}`,
          params: memberParams,
          answer: memberSchema,
          handle: async ({ useCases, principal, params, externalUrl }) => {
            const place = { kind, which: params.id };
            const member = await useCases.findMember(principal, place, params.user_id, { withInherited });
            return ok(presentMember(member, externalUrl));
          },
        }),
      ];
    }),
    apiRoute({
      method: "POST",
      path,
      access: "api",
      summary: `Add members to a ${kind}`,
      params: newMemberParams,
      answer: addedMembersSchema,
      mutuallyExclusive: ["user_id", "username"],
      handle: async ({ useCases, principal, params, externalUrl }) => {
        const users = params.user_id ?? params.username ?? [];
        const [user, ...more] = users;
        if (user === undefined) {
          const message = "user_id, username are missing, exactly one parameter must be provided";
          throw new HeliostatError("parameter-invalid", message);
        }
        const place = { kind, which: params.id };
        const role = { accessLevel: params.access_level, expiresAt: params.expires_at ?? null };
        if (more.length === 0) {
          const member = await useCases.addMember(principal, place, { user, ...role });
          return created(presentMember(member, externalUrl));
        }
        const drafts = users.map((each) => ({ user: each, ...role }));
        const errors = await useCases.addMembers(principal, place, drafts);
        // GitLab's answer to a list: 201, and what went wrong in the body.
        return created(
          Object.keys(errors).length === 0 ? { status: "success" } : { status: "error", message: errors },
        );
      },
    }),
    apiRoute({
      method: "PUT",
      path: `${path}/:user_id`,
      access: "api",
      summary: `Change a member of a ${kind}`,
      params: memberChangeParams,
      answer: memberSchema,
      handle: async ({ useCases, principal, params, externalUrl }) => {
        const place = { kind, which: params.id };
        const changes = given({ accessLevel: params.access_level, expiresAt: params.expires_at });
        const member = await useCases.changeMember(principal, place, params.user_id, changes);
        return ok(presentMember(member, externalUrl));
      },
    }),
    apiRoute({
      method: "DELETE",
      path: `${path}/:user_id`,
      access: "api",
      summary: `Remove a member from a ${kind}`,
      params: memberRemovalParams,
      answer: null,
      handle: async ({ useCases, principal, params }) => {
        const options = { alsoBelow: params.skip_subresources !== true };
        await useCases.removeMember(principal, { kind, which: params.id }, params.user_id, options);
        return noContent();
      },
    }),
  ];
}

export const memberRoutes = [...routesOf("project"), ...routesOf("group")];
