import { newUserParams, userListParams, userParams } from "@heliostat/contract/api/users.ts";
import { z } from "zod";
import { apiRoute, created, list, ok, pageFrom } from "../../api-route.ts";
import { given } from "../../check-parameters.ts";
import { requireUser } from "../require-user.ts";
import { presentFullUser, presentUserFor } from "./present.ts";

export const userRoutes = [
  apiRoute({
    method: "GET",
    path: "/user",
    access: "read_api",
    params: z.object({}),
    handle: async ({ principal, externalUrl }) => ok(presentFullUser(requireUser(principal), externalUrl)),
  }),
  apiRoute({
    method: "GET",
    path: "/users",
    access: "read_api",
    params: userListParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const page = pageFrom(params);
      const users = await useCases.listUsers(principal, given({ username: params.username }), page);
      return list(
        users.items.map((user) => presentUserFor(principal, user, externalUrl)),
        page,
        users.total,
      );
    },
  }),
  apiRoute({
    method: "GET",
    path: "/users/:id",
    access: "read_api",
    params: userParams,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const user = await useCases.findUser(principal, params.id);
      return ok(presentUserFor(principal, user, externalUrl));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/users",
    access: "api",
    params: newUserParams,
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
];
