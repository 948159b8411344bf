import { messageSchema } from "@heliostat/contract/api/instance.ts";
import {
  mirrorChangeParams,
  mirrorListParams,
  mirrorParams,
  mirrorSchema,
  mirrorStartSchema,
  mirrorSyncParams,
  newMirrorParams,
} from "@heliostat/contract/api/mirrors.ts";
import { wholeListOf, withStatus } from "../../api-answer.ts";
import { accepted, apiRoute, created, noContent, ok } from "../../api-route.ts";
import { presentMirror, presentStart } from "./present.ts";
import { readSettings } from "./read-settings.ts";

const LIST = "/projects/:id/mirrors";
const ONE = "/projects/:id/mirrors/:mirror_id";

/** What GitLab has no word for: all mirrors of a project in one list. */
export const mirrorRoutes = [
  apiRoute({
    method: "GET",
    path: LIST,
    access: "read_api",
    summary: "List the mirrors of a project, of any direction",
    params: mirrorListParams,
    answer: wholeListOf(mirrorSchema),
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const mirrors = await useCases.listMirrors(principal, params.id);
      return ok(mirrors.map((view) => presentMirror(view, externalUrl)));
    },
  }),
  apiRoute({
    method: "POST",
    path: LIST,
    access: "api",
    summary: "Create a mirror of any direction",
    params: newMirrorParams,
    answer: mirrorSchema,
    handle: async ({ useCases, principal, params, externalUrl }) => {
      const { url, direction } = params;
      const settings = { enabled: true, ...readSettings(params), url, direction };
      const view = await useCases.createMirror(principal, params.id, settings);
      return created(presentMirror(view, externalUrl));
    },
  }),
  apiRoute({
    method: "GET",
    path: ONE,
    access: "read_api",
    summary: "Show a mirror",
    params: mirrorParams,
    answer: mirrorSchema,
    handle: async ({ useCases, principal, params, externalUrl }) =>
      ok(presentMirror(await useCases.findMirror(principal, params.id, params.mirror_id), externalUrl)),
  }),
  // Both leave what is not given as it is.
  ...(["PUT", "PATCH"] as const).map((method) =>
    apiRoute({
      method,
      path: ONE,
      access: "api",
      summary: method === "PUT" ? "Change a mirror" : "Change some of a mirror",
      params: mirrorChangeParams,
      answer: mirrorSchema,
      handle: async ({ useCases, principal, params, externalUrl }) => {
        const { id, mirror_id } = params;
        const view = await useCases.updateMirror(principal, id, mirror_id, readSettings(params));
        return ok(presentMirror(view, externalUrl));
      },
    }),
  ),
  apiRoute({
    method: "DELETE",
    path: ONE,
    access: "api",
    summary: "Remove a mirror",
    params: mirrorParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.removeMirror(principal, params.id, params.mirror_id);
      return noContent();
    },
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/sync`,
    access: "api",
    summary: "Start an update of a mirror",
    params: mirrorSyncParams,
    answer: withStatus(202, mirrorStartSchema),
    handle: async ({ useCases, principal, params }) => {
      const options = { force: params.force ?? false };
      const start = await useCases.syncMirror(principal, params.id, params.mirror_id, options);
      return accepted(presentStart(start));
    },
  }),
  apiRoute({
    method: "POST",
    path: `${ONE}/cancel`,
    access: "api",
    summary: "Cancel the update of a mirror that runs",
    params: mirrorParams,
    answer: withStatus(202, messageSchema),
    handle: async ({ useCases, principal, params }) => {
      await useCases.cancelUpdate(principal, params.id, params.mirror_id);
      return accepted({ message: "202 Accepted" });
    },
  }),
];
