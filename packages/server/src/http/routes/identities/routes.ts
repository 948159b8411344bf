import {
  type IdentityAnswer,
  identityParams,
  type SignInOptionsAnswer,
} from "@heliostat/contract/api/identities.ts";
import { z } from "zod";
import { apiRoute, noContent, ok, pageOf } from "../../api-route.ts";

const WHOLE = { page: 1, perPage: 100 };

/** By what people may sign in, and who one is at OpenID Connect providers. */
export const identityRoutes = [
  apiRoute({
    method: "GET",
    path: "/sign_in_options",
    access: "anyone",
    params: z.object({}),
    handle: async ({ useCases }) => {
      const answer: SignInOptionsAnswer = { provider: useCases.readProviderName() };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/user/identities",
    access: "read_api",
    params: z.object({}),
    handle: async ({ useCases, principal }) => {
      const identities = await useCases.listIdentities(principal);
      const answers: IdentityAnswer[] = identities.map(({ id, issuer, subject, createdAt }) => ({
        ...{ id, provider: issuer, extern_uid: subject },
        created_at: createdAt.toISOString(),
      }));
      return pageOf(answers, WHOLE);
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/user/identities/:id",
    access: "api",
    params: identityParams,
    handle: async ({ useCases, principal, params }) => {
      await useCases.disconnectIdentity(principal, params.id);
      return noContent();
    },
  }),
];
