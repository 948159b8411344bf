import { projectSchema } from "@heliostat/contract/api/projects.ts";
import { z } from "zod";
import { HeliostatError } from "../../domain/errors.ts";
import { plain } from "../terminal/plain.ts";
import type { ApiClient } from "./api-client.ts";
import { nearest } from "./nearest.ts";

/** What has names that people mistype: how its part of a path begins, and where there is a list of it. */
const NAMED = [
  {
    what: "project",
    said: "Project Not Found",
    path: /^\/projects\/([^/?]+)/,
    list: "/projects?order_by=last_activity_at",
    nameOf: projectSchema.pick({ path_with_namespace: true }).transform((each) => each.path_with_namespace),
  },
  {
    what: "group",
    said: "Group Not Found",
    path: /^\/groups\/([^/?]+)/,
    list: "/groups?order_by=path",
    nameOf: z.object({ full_path: z.string() }).transform((each) => each.full_path),
  },
] as const;

/** A mirror, and nothing below it: what is not found there may be something else. */
const MIRROR =
  /^\/projects\/([^/?]+)\/mirrors\/(\d+)(?:\/(?:sync|cancel|test|public_key|updates(?:\?.*)?))?$/;

/** As many are looked through for a name that is nearly the same. */
const LOOKED_AT = 300;

/** The same client; when it does not find a project or a group, the error names those with nearly the same name. */
export function suggestNames(api: ApiClient): ApiClient {
  async function explain(path: string, error: unknown): Promise<unknown> {
    if (!(error instanceof HeliostatError) || error.code !== "not-found") return error;
    const [, project = "", mirror] = MIRROR.exec(path) ?? [];
    if (mirror !== undefined && /^Not found/i.test(error.message)) {
      return new HeliostatError(
        "not-found",
        `${plain(decodeURIComponent(project))} has no mirror ${mirror}: heliostat mirror list shows those it has.`,
      );
    }
    const kind = NAMED.find(({ said }) => error.message.startsWith(said));
    const name = decodeURIComponent(kind?.path.exec(path)?.[1] ?? "");
    if (kind === undefined || name === "" || /^\d+$/.test(name)) return error;
    const found = await api.list(kind.list, LOOKED_AT).catch(() => []);
    const known = found.flatMap((each) => kind.nameOf.safeParse(each).data ?? []);
    const close = nearest(name, known).map(plain);
    const advice =
      close.length > 0
        ? `Did you mean ${close.join(" or ")}?`
        : `heliostat ${kind.what} list shows what there is.`;
    return new HeliostatError(
      "not-found",
      `${kind.said}: there is no ${plain(name)} that you may see. ${advice}`,
    );
  }

  return {
    url: api.url,
    call: (method, path, parameters) =>
      api.call(method, path, parameters).catch(async (error) => {
        throw await explain(path, error);
      }),
    list: (path, limit) =>
      api.list(path, limit).catch(async (error) => {
        throw await explain(path, error);
      }),
    download: (path) => api.download(path),
    async *stream(path, lastEventId, signal) {
      try {
        yield* api.stream(path, lastEventId, signal);
      } catch (error) {
        throw await explain(path, error);
      }
    },
  };
}
