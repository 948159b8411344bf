import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MirrorDirection } from "@heliostat/contract";
import { type WholeMirrorUpdateAnswer, wholeMirrorUpdateSchema } from "@heliostat/contract/api/mirrors.ts";
import { type Api, createApi, type MirrorName, type Parameters, projectPath } from "./api.ts";
import { type GitHttpPeer, startGitHttpPeer } from "./git-http-peer.ts";
import { type RefLine, writeRefs } from "./ref-notation.ts";
import { git, makeRepository, makeTempDir } from "./repositories.ts";
import { startServer, type TestServer } from "./server.ts";
import { waitFor } from "./wait-for.ts";

/** What a mirror finds when it starts. */
export interface Scene {
  readonly direction: MirrorDirection;
  /** The refs of the project, and those of its remote. */
  readonly here?: RefLine;
  readonly there?: RefLine;
  /** Options of the mirror, as `POST /projects/:id/mirrors` calls them. */
  readonly options?: Parameters;
  /** Patterns, protected in the project. */
  readonly protectedBranches?: readonly string[];
  /** Patterns of tags that nobody may create in the project. */
  readonly protectedTags?: readonly string[];
  /** SHA-1 unless told. An empty project becomes what it pulls. */
  readonly formatHere?: "sha1" | "sha256";
  readonly formatThere?: "sha1" | "sha256";
  /** Hooks of the remote, in shell, and its configuration. */
  readonly hooks?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
}

/** A project and its remote. */
export interface Sides {
  /** Full path of the project. */
  readonly project: string;
  /** Its hosted repository, and that of the remote, on disk. */
  readonly here: string;
  readonly there: string;
  /** The remote, as its host calls it: for faults. */
  readonly remoteName: string;
}

/** The same with one mirror between the two. */
export interface MirrorOnStage extends Sides {
  /** For `api.listUpdates` and the like. */
  readonly name: MirrorName;
  readonly id: number;
  /** The update that the mirror began with, with every ref that it looked at. */
  readonly firstUpdate: WholeMirrorUpdateAnswer;
  /** Runs one more. */
  update(): Promise<WholeMirrorUpdateAnswer>;
  /** What the mirror says of itself: `update_status` and `last_error`. */
  state(): Promise<{ readonly update_status: string; readonly last_error: string | null }>;
}

export interface Stage {
  readonly server: TestServer;
  readonly peer: GitHttpPeer;
  readonly api: Api;
  /** Sets both sides up, makes the mirror, and waits until its first update is over. */
  play(scene: Scene, prepare?: (made: Sides) => Promise<void>): Promise<MirrorOnStage>;
}

/** Starts one server and one remote host, for all scenes of a file. */
export async function openStage(scope: { after(clean: () => Promise<void>): void }): Promise<Stage> {
  const root = await makeTempDir(scope);
  const peer = await startGitHttpPeer({ root });
  scope.after(() => peer.close());
  const server = await startServer();
  scope.after(() => server.stop());
  const api = createApi(server);
  // A person who presses the button twice is not what is looked at here.
  await api.put("/application/settings", {
    pull_mirror_min_interval_seconds: 0,
    push_mirror_min_interval_seconds: 0,
    // Nor a branch that becomes protected by coming.
    default_branch_protection: 0,
  });
  let count = 0;

  async function setUp(scene: Scene): Promise<Sides> {
    count += 1;
    const title = `scene-${count}`;
    const there = await makeRepository(join(root, `${title}.git`), {
      objectFormat: scene.formatThere ?? "sha1",
    });
    for (const [name, value] of Object.entries(scene.config ?? {})) await git(there, ["config", name, value]);
    await writeRefs(there, scene.there ?? "");
    const { id } = await api.createProject(title);
    const project = `root/${title}`;
    const here = server.repositoryOf(id);
    if (scene.formatHere === "sha256") {
      await rm(here, { recursive: true });
      await makeRepository(here, { objectFormat: "sha256" });
    }
    // Straight to disk: how refs come into a project is not what these scenes are about.
    await writeRefs(here, scene.here ?? "");
    for (const [name, body] of Object.entries(scene.hooks ?? {})) await writeHook(there, name, body);
    for (const name of scene.protectedBranches ?? [])
      await api.post(`${projectPath(project)}/protected_branches`, { name });
    for (const name of scene.protectedTags ?? [])
      await api.post(`${projectPath(project)}/protected_tags`, { name, create_access_level: 0 });
    return { project, here, there, remoteName: `${title}.git` };
  }

  return {
    server,
    peer,
    api,
    async play(scene, prepare) {
      const made = await setUp(scene);
      await prepare?.(made);
      const mirror = await api.createMirror(
        made.project,
        scene.direction,
        peer.urlOf(made.remoteName),
        scene.options,
      );
      const { id, mirror_id } = await waitFor(
        async () =>
          (await api.listUpdates(made.project, mirror)).find(({ finished_at }) => finished_at !== null),
        // Ten thousand refs on a machine that runs all tests at once take their time.
        { timeoutMs: 180_000, message: "the first update is over" },
      );
      const path = `${projectPath(made.project)}/mirrors/${mirror_id}/updates/${id}`;
      const firstUpdate = wholeMirrorUpdateSchema.parse(await api.get(path));
      return {
        ...made,
        name: mirror,
        id: mirror_id,
        firstUpdate,
        update: () => api.update(made.project, mirror),
        state: () =>
          mirror === "pull" ? api.readPullMirror(made.project) : api.readPushMirror(made.project, mirror),
      };
    },
  };
}

/** Installs a hook that is a shell script. */
export async function writeHook(repository: string, name: string, body: string): Promise<void> {
  await mkdir(join(repository, "hooks"), { recursive: true });
  const path = join(repository, "hooks", name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
}
