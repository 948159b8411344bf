import { trueSchema } from "@heliostat/contract/api/instance.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import {
  fullUserSchema,
  newUserParams,
  userChangeParams,
  userListParams,
  userParams,
  visibleUserSchema,
} from "@heliostat/contract/api/users.ts";
import { given } from "../../../domain/given.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, created, noContent, ok, partOfList, windowFrom } from "../../api-route.ts";
import { requireUser } from "../require-user.ts";
import { presentFullUser, presentUserFor } from "./present.ts";

export const userRoutes = [
  apiRoute({
    method: "GET",
    path: "/user",
    access: "read_api",
    summary: "Show oneself",
    params: noParams,
    answer: fullUserSchema,
    handle: async ({ principal, externalUrl }) => ok(presentFullUser(requireUser(principal), externalUrl)),
  }),
  apiRoute({
    method: "GET",
    path: "/users",
    access: "read_api",
    summary: "List users",
    params: userListParams,
    answer: listOf(visibleUserSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const window = windowFrom(params);
      const filter = given({
        username: params.username,
        search: params.search,
        // As in GitLab only what is asked for counts: `active=false` asks for nothing.
        state: params.active ? ("active" as const) : params.blocked ? ("blocked" as const) : undefined,
        admins: params.admins === true ? true : undefined,
        withBots: params.without_project_bots === false,
      });
      const users = await useCases.listUsers(principal, filter, window);
      return partOfList(users, window, (user) => presentUserFor(principal, user, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/users/:id",
    access: "read_api",
    summary: "Show a user",
    params: userParams,
    answer: visibleUserSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const user = await useCases.findUser(principal, params.id);
      return ok(presentUserFor(principal, user, externalUrl));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/users",
    access: "api",
    summary: "Create a user",
    params: newUserParams,
    answer: fullUserSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const user = await useCases.createUser(principal, {
        username: params.username,
        name: params.name,
        email: params.email,
        password: params.password === undefined || params.password === "" ? null : params.password,
        isAdmin: params.admin ?? false,
      });
      return created(presentFullUser(user, externalUrl));
    },
  }),
  apiRoute({
    method: "PUT",
    path: "/users/:id",
    access: "api",
    summary: "Change a user",
    params: userChangeParams,
    answer: fullUserSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const { username, name, email, admin } = params;
      const changes = given({ username, name, email, isAdmin: admin });
      return ok(presentFullUser(await useCases.updateUser(principal, params.id, changes), externalUrl));
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/users/:id",
    access: "api",
    summary: "Remove a user",
    params: userParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeUser(principal, params.id);
      return noContent();
    },
  }),
  ...(["block", "unblock"] as const).map((verb) =>
    apiRoute({
      method: "POST",
      path: `/users/:id/${verb}`,
      access: "api",
      summary: verb === "block" ? "Block a user" : "Unblock a user",
      params: userParams,
      answer: trueSchema,
      handle: async ({ useCases, principal, params }) => {
        await (verb === "block" ? useCases.blockUser : useCases.unblockUser)(principal, params.id);
        // GitLab's whole answer.
        return created(true);
      },
    }),
  ),
];
