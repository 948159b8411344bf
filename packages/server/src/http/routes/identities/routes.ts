import {
  type IdentityAnswer,
  identityParams,
  identitySchema,
  type SignInOptionsAnswer,
  signInOptionsSchema,
} from "@heliostat/contract/api/identities.ts";
import { noParams } from "@heliostat/contract/api/parameters.ts";
import { listOf } from "../../api-answer.ts";
import { apiRoute, noContent, ok, pageOf } from "../../api-route.ts";

const WHOLE = { page: 1, perPage: 100 };

/** By what people may sign in, and who one is at OpenID Connect providers. */
export const identityRoutes = [
  apiRoute({
    method: "GET",
    path: "/sign_in_options",
    access: "anyone",
    summary: "Show how people may sign in",
    params: noParams,
    answer: signInOptionsSchema,
    handle: async ({ useCases }) => {
      const answer: SignInOptionsAnswer = { provider: useCases.readProviderName() };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/user/identities",
    access: "read_api",
    summary: "List one's identities at OpenID Connect providers",
    params: noParams,
    answer: listOf(identitySchema),
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
    summary: "Disconnect one of one's identities",
    params: identityParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.disconnectIdentity(principal, params.id);
      return noContent();
    },
  }),
];
