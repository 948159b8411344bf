import assert from "node:assert/strict";
import type { MirrorDirection } from "@heliostat/contract";
import {
  type MirrorUpdateAnswer,
  mirrorUpdateSchema,
  type WholeMirrorUpdateAnswer,
  wholeMirrorUpdateSchema,
} from "@heliostat/contract/api/mirrors.ts";
import { type ProjectAnswer, projectSchema } from "@heliostat/contract/api/projects.ts";
import { type PullMirrorAnswer, pullMirrorSchema } from "@heliostat/contract/api/pull-mirror.ts";
import { type RemoteMirrorAnswer, remoteMirrorSchema } from "@heliostat/contract/api/remote-mirrors.ts";
import { checkAnswer } from "./check-answer.ts";
import { waitFor } from "./wait-for.ts";

/** Parameters as the API spells them. */
export type Parameters = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, where it is JSON; else its text. Null when there is none. */
  readonly body: unknown;
}

export interface CallOptions {
  /** `json` unless told. In a form every value becomes text. */
  readonly as?: "json" | "form";
  readonly headers?: Readonly<Record<string, string>>;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A project by its id or full path. */
export type ProjectName = number | string;

/** A mirror of a project: its pull mirror, or a push mirror by its id. */
export type MirrorName = "pull" | number;

/** A client of one server's API, acting with one token. */
export interface Api {
  /** The base URL of the server. */
  readonly url: string;
  /** The same server with another token; null: anonymous. */
  as(token: string | null): Api;
  /** Sends one request to `/api/v4<path>` and answers whatever comes; fails where that is not what the route declares. */
  call(method: Method, path: string, parameters?: Parameters, options?: CallOptions): Promise<Answer>;
  /** As `call`, for what must work: fails unless the status is in the 200s, and answers the body. */
  get(path: string): Promise<unknown>;
  post(path: string, parameters?: Parameters): Promise<unknown>;
  put(path: string, parameters?: Parameters): Promise<unknown>;
  delete(path: string): Promise<unknown>;

  createUser(username: string, password: string): Promise<number>;
  /** Answers the secret. */
  createToken(userId: number, scopes: readonly string[]): Promise<string>;
  createProject(name: string, parameters?: Parameters): Promise<ProjectAnswer>;
  createPullMirror(project: ProjectName, url: string, parameters?: Parameters): Promise<PullMirrorAnswer>;
  /** Enabled, unless the parameters say something else. */
  createPushMirror(project: ProjectName, url: string, parameters?: Parameters): Promise<RemoteMirrorAnswer>;
  /**
   * Makes a mirror of any direction, enabled unless the options say something else, and answers its name. The options
   * are those of `POST /projects/:id/mirrors`; where GitLab has words for all of them, its own endpoint is taken.
   */
  createMirror(
    project: ProjectName,
    direction: MirrorDirection,
    url: string,
    options?: Parameters,
  ): Promise<MirrorName>;
  readPullMirror(project: ProjectName): Promise<PullMirrorAnswer>;
  readPushMirror(project: ProjectName, id: number): Promise<RemoteMirrorAnswer>;
  /** The newest first; of each, the first 100 refs. */
  listUpdates(project: ProjectName, mirror: MirrorName): Promise<readonly MirrorUpdateAnswer[]>;
  /** With all refs that changed or were to change; those that were left as they are, are in `counts`. */
  readUpdate(project: ProjectName, mirror: MirrorName, id: number): Promise<WholeMirrorUpdateAnswer>;
  /** Waits until the mirror reads so and nothing of it is under way; answers its newest update. */
  waitForMirror(
    project: ProjectName,
    mirror: MirrorName,
    status: "finished" | "failed" | "to_retry",
  ): Promise<WholeMirrorUpdateAnswer>;
  /** Starts an update, waits for the end of one that began afterwards, and answers it, however it ended. */
  update(project: ProjectName, mirror: MirrorName): Promise<WholeMirrorUpdateAnswer>;
}

/** The API of a test's server, as whoever has the token; null: as nobody. */
export function createApi(server: { readonly url: string; readonly token: string | null }): Api {
  const { url, token } = server;

  async function call(
    method: Method,
    path: string,
    parameters?: Parameters,
    { as = "json", headers = {} }: CallOptions = {},
  ): Promise<Answer> {
    const answer = await fetch(`${url}/api/v4${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(token === null ? {} : { "PRIVATE-TOKEN": token }),
        ...(parameters === undefined
          ? {}
          : { "Content-Type": as === "json" ? "application/json" : "application/x-www-form-urlencoded" }),
        ...headers,
      },
      ...(parameters === undefined
        ? {}
        : { body: as === "json" ? JSON.stringify(parameters) : formOf(parameters) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true;
    const body: unknown = text === "" ? null : isJson ? JSON.parse(text) : text;
    const given = { status: answer.status, headers: answer.headers, body };
    await checkAnswer(method, path, given);
    return given;
  }

  async function mustWork(method: Method, path: string, parameters?: Parameters): Promise<unknown> {
    const { status, body } = await call(method, path, parameters);
    assert(status >= 200 && status < 300, `${method} ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async function mirrorId(project: ProjectName, mirror: MirrorName): Promise<number> {
    return mirror === "pull" ? (await api.readPullMirror(project)).id : mirror;
  }

  const api: Api = {
    url,
    as: (other) => createApi({ url, token: other }),
    call,
    get: (path) => mustWork("GET", path),
    post: (path, parameters = {}) => mustWork("POST", path, parameters),
    put: (path, parameters = {}) => mustWork("PUT", path, parameters),
    delete: (path) => mustWork("DELETE", path),

    async createUser(username, password) {
      const body = await api.post("/users", {
        username,
        name: username,
        email: `${username}@example.com`,
        password,
      });
      return idOf(body);
    },
    async createToken(userId, scopes) {
      const body = await api.post(`/users/${userId}/personal_access_tokens`, { name: "a token", scopes });
      assert(typeof body === "object" && body !== null && "token" in body && typeof body.token === "string");
      return body.token;
    },
    async createProject(name, parameters) {
      return projectSchema.parse(await api.post("/projects", { name, ...parameters }));
    },
    async createPullMirror(project, remote, parameters) {
      const settings = { enabled: true, url: remote, ...parameters };
      return pullMirrorSchema.parse(await api.put(`${projectPath(project)}/mirror/pull`, settings));
    },
    async createPushMirror(project, remote, parameters) {
      const settings = { enabled: true, url: remote, ...parameters };
      return remoteMirrorSchema.parse(await api.post(`${projectPath(project)}/remote_mirrors`, settings));
    },
    async createMirror(project, direction, remote, options) {
      const asInGitLab = wordsOfGitLab(direction, options ?? {});
      if (asInGitLab !== null && direction === "pull") {
        await api.createPullMirror(project, remote, asInGitLab);
        return "pull";
      }
      if (asInGitLab !== null) return (await api.createPushMirror(project, remote, asInGitLab)).id;
      const settings = { direction, url: remote, enabled: true, ...options };
      const id = idOf(await api.post(`${projectPath(project)}/mirrors`, settings));
      return direction === "pull" ? "pull" : id;
    },
    async readPullMirror(project) {
      return pullMirrorSchema.parse(await api.get(`${projectPath(project)}/mirror/pull`));
    },
    async readPushMirror(project, id) {
      return remoteMirrorSchema.parse(await api.get(`${projectPath(project)}/remote_mirrors/${id}`));
    },
    async listUpdates(project, mirror) {
      const id = await mirrorId(project, mirror);
      return mirrorUpdateSchema
        .array()
        .parse(await api.get(`${projectPath(project)}/mirrors/${id}/updates?per_page=100`));
    },
    async readUpdate(project, mirror, update) {
      const id = await mirrorId(project, mirror);
      const path = `${projectPath(project)}/mirrors/${id}/updates/${update}`;
      const whole = wholeMirrorUpdateSchema.parse(await api.get(path));
      const refs = whole.refs.filter(({ outcome }) => outcome !== "up-to-date" && outcome !== "skipped");
      return { ...whole, refs };
    },
    async waitForMirror(project, mirror, status) {
      const read = () =>
        mirror === "pull" ? api.readPullMirror(project) : api.readPushMirror(project, mirror);
      const message = async () => {
        const { update_status, last_error } = await read();
        return `the mirror is ${status}; it is ${update_status}, its last error: ${last_error}`;
      };
      const { id } = await waitFor(
        async () => {
          const [{ update_status }, [newest]] = await Promise.all([read(), api.listUpdates(project, mirror)]);
          return update_status === status && newest !== undefined && newest.finished_at !== null && newest;
        },
        { timeoutMs: 60_000, message },
      );
      return await api.readUpdate(project, mirror, id);
    },
    async update(project, mirror) {
      const before = (await api.listUpdates(project, mirror))[0]?.id ?? 0;
      if (mirror === "pull") await api.post(`${projectPath(project)}/mirror/pull`);
      else await api.post(`${projectPath(project)}/remote_mirrors/${mirror}/sync`);
      const { id } = await waitFor(
        async () => {
          const updates = await api.listUpdates(project, mirror);
          return updates.find(({ id, finished_at }) => id > before && finished_at !== null);
        },
        { timeoutMs: 60_000, message: "the update that was asked for is over" },
      );
      return await api.readUpdate(project, mirror, id);
    },
  };
  return api;
}

/** Options of a mirror as `POST /projects/:id/mirrors` and as GitLab's endpoint of the direction call them. */
const WORDS_OF_GITLAB: Readonly<Record<MirrorDirection, Readonly<Record<string, string>>>> = {
  push: {
    enabled: "enabled",
    keep_divergent_refs: "keep_divergent_refs",
    only_protected_branches: "only_protected_branches",
    mirror_branch_regex: "mirror_branch_regex",
  },
  pull: {
    enabled: "enabled",
    only_protected_branches: "only_mirror_protected_branches",
    overwrites_diverged_branches: "mirror_overwrites_diverged_branches",
    mirror_branch_regex: "mirror_branch_regex",
  },
};

/** The same options by GitLab's names; null when it has no name for one of them. */
function wordsOfGitLab(direction: MirrorDirection, options: Parameters): Parameters | null {
  const words = WORDS_OF_GITLAB[direction];
  const named: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(options)) {
    const word = words[option];
    if (word === undefined) return null;
    named[word] = value;
  }
  return named;
}

/** `/projects/<id>`, where an id may be a full path. */
export function projectPath(project: ProjectName): string {
  return `/projects/${encodeURIComponent(project)}`;
}

/** The `id` of an answer. */
export function idOf(body: unknown): number {
  assert(typeof body === "object" && body !== null && "id" in body && typeof body.id === "number");
  return body.id;
}

function formOf(parameters: Parameters): string {
  return new URLSearchParams(
    Object.entries(parameters).map(([name, value]) => [name, String(value)]),
  ).toString();
}
