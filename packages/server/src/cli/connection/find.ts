import { groupSchema } from "@heliostat/contract/api/groups.ts";
import { namespaceSchema } from "@heliostat/contract/api/namespaces.ts";
import { publicUserSchema } from "@heliostat/contract/api/users.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { plain } from "../terminal/plain.ts";
import type { ApiClient } from "./api-client.ts";
import { nearest } from "./nearest.ts";

/** Where the API has a project, by its id or full path. */
export function projectPath(project: string): string {
  return `/projects/${encodeURIComponent(project)}`;
}

/** Where the API has a group, by its id or full path. */
export function groupPath(group: string): string {
  return `/groups/${encodeURIComponent(group)}`;
}

/** The id of a user by id or user name; `not-found` names those that are spelt nearly so. */
export async function findUserId(api: ApiClient, user: string): Promise<number> {
  if (isId(user)) return Number(user);
  const users = publicUserSchema.array();
  const [found] = users.parse(await api.call("GET", `/users?username=${encodeURIComponent(user)}`));
  if (found !== undefined) return found.id;
  const known = users.parse(await api.list("/users", 300)).map(({ username }) => username);
  const close = nearest(user, known).map(plain);
  const advice =
    close.length === 0 ? "heliostat user list shows all." : `Did you mean ${close.join(" or ")}?`;
  throw new HeliostatError("not-found", `There is no user ${plain(user)}. ${advice}`);
}

/** The id of a group by id or full path. */
export async function findGroupId(api: ApiClient, group: string): Promise<number> {
  return groupSchema.parse(await api.call("GET", groupPath(group))).id;
}

/** The id of a user's or group's namespace by id or full path. */
export async function findNamespaceId(api: ApiClient, path: string): Promise<number> {
  const answer = await api.call("GET", `/namespaces/${encodeURIComponent(path)}`).catch((error: unknown) => {
    const isMissing = error instanceof HeliostatError && error.code === "not-found";
    if (!isMissing) throw error;
    throw new HeliostatError(
      "not-found",
      `There is no user or group ${plain(path)} in which you may make projects. heliostat group list shows groups.`,
    );
  });
  return namespaceSchema.parse(answer).id;
}

/** Takes the place of the API's bare "Not found", which names nothing, by a sentence that does. */
export function whereNotFound(message: string): (error: unknown) => never {
  return (error) => {
    const isBare = error instanceof HeliostatError && /^Not found/i.test(error.message);
    throw isBare ? new HeliostatError("not-found", message) : error;
  };
}

/** Whether it is the id of something, not its name. */
export function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

/** The one with this id or name; `not-found` names close ones, `parameter-invalid` the ids where several have the name. */
export function findByIdOrName<T extends { readonly id: number }>(
  what: string,
  name: string,
  all: readonly T[],
  nameOf: (each: T) => string,
): T {
  const named = all.filter((each) => nameOf(each) === name);
  const [one, ...others] = named.length > 0 ? named : all.filter(({ id }) => String(id) === name);
  if (one === undefined) {
    const close = nearest(name, all.map(nameOf)).map(plain);
    const advice = close.length === 0 ? "" : ` Did you mean ${close.join(" or ")}?`;
    throw new HeliostatError("not-found", `There is no ${what} ${plain(name)}.${advice}`);
  }
  if (others.length === 0) return one;
  const ids = named.map(({ id }) => id).join(", ");
  throw new HeliostatError("parameter-invalid", `Several are called ${plain(name)}, take an id: ${ids}`);
}
