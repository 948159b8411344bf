import {
  connectionReportSchema,
  credentialTestParams,
  newMirrorTestParams,
} from "@heliostat/contract/api/connection-tests.ts";
import { mirrorParams } from "@heliostat/contract/api/mirrors.ts";
import { given } from "../../../domain/given.ts";
import { withStatus } from "../../api-answer.ts";
import { apiRoute, ok } from "../../api-route.ts";
import { presentConnectionReport } from "./present.ts";

/** Tries what a mirror would do. The answer is 200 whatever comes of it. */
export const connectionTestRoutes = [
  apiRoute({
    method: "POST",
    path: "/projects/:id/mirrors/test",
    access: "api",
    summary: "Test the connection of a mirror that is not there yet",
    params: newMirrorTestParams,
    answer: withStatus(200, connectionReportSchema),
    handle: async ({ useCases, principal, params }) => {
      const settings = given({
        username: params.auth_user,
        password: params.auth_password,
        authMethod: params.auth_method,
        credentialId: params.credential_id,
        knownHosts: params.host_keys,
      });
      const draft = { direction: params.direction, url: params.url, ...settings };
      return ok(presentConnectionReport(await useCases.testNewMirror(principal, params.id, draft)));
    },
  }),
  apiRoute({
    method: "POST",
    path: "/projects/:id/mirrors/:mirror_id/test",
    access: "api",
    summary: "Test the connection of a mirror",
    params: mirrorParams,
    answer: withStatus(200, connectionReportSchema),
    handle: async ({ useCases, principal, params }) =>
      ok(presentConnectionReport(await useCases.testMirror(principal, params.id, params.mirror_id))),
  }),
  apiRoute({
    method: "POST",
    path: "/credentials/:id/test",
    access: "api",
    summary: "Test a credential against a remote",
    params: credentialTestParams,
    answer: withStatus(200, connectionReportSchema),
    handle: async ({ useCases, principal, params }) => {
      const knownHosts = given({ knownHosts: params.host_keys });
      const at = { url: params.url, direction: params.direction ?? "pull", ...knownHosts };
      return ok(presentConnectionReport(await useCases.testCredential(principal, params.id, at)));
    },
  }),
];
