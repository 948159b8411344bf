import { join } from "node:path";
import type { TestContext } from "node:test";
import type { MirrorDirection } from "@heliostat/contract";
import { makeMemoryLog, openRemote } from "../../../../../test/support/git-adapter.ts";
import { startGitHttpPeer } from "../../../../../test/support/git-http-peer.ts";
import { makeRepository, makeTempDir } from "../../../../../test/support/repositories.ts";
import { type IncomingLimits, NO_LIMITS } from "../../domain/incoming-limits.ts";
import { DEFAULT_MIRROR_OPTIONS, type MirrorOptions } from "../../domain/mirror.ts";
import { createRepositories, type GitRepositories } from "../../git/repositories.ts";
import { createRemotes } from "../../remotes/remotes.ts";
import { runPullUpdate } from "./pull-update.ts";
import { runPushUpdate } from "./push-update.ts";
import type { RunOutcome, RunPorts, UpdateRun } from "./run.ts";
import { wantedRefs } from "./wanted-refs.ts";

export interface Rules {
  readonly protectedBranches?: readonly string[];
  /** Who may push to them; the mirror user is a maintainer. */
  readonly branchLevel?: number;
  readonly protectedTags?: readonly (readonly [name: string, createAccessLevel: number])[];
}

/** A project and its remote, both real repositories on this machine, and updates between the two. */
export interface UpdateStage {
  /** Paths of the two bare repositories. */
  readonly ours: string;
  readonly theirs: string;
  readonly repositories: GitRepositories;
  /** Counts the writes to our refs, as the store does; raised by hand, somebody else has written. */
  generation: number;
  limits: IncomingLimits;
  /** Called before each write of an update, to our refs or to the remote's: what happens then is seen too late. */
  beforeWrite: () => Promise<void>;
  /** How often an update has listed the remote. */
  listings: number;
  update(options?: Partial<MirrorOptions>, rules?: Rules): Promise<RunOutcome>;
}

/** Real git on both sides, over HTTP; of the database only what a run reads, in memory. */
export async function setStage(
  t: TestContext,
  direction: MirrorDirection,
  formats: { readonly ours?: "sha1" | "sha256"; readonly theirs?: "sha1" | "sha256" } = {},
): Promise<UpdateStage> {
  const dir = await makeTempDir(t);
  const log = makeMemoryLog();
  const repositories = createRepositories({ root: join(dir, "data"), log });
  const remotes = createRemotes({ log, userAgent: "git/heliostat-test" });
  const peers = join(dir, "peers");
  const peer = await startGitHttpPeer({ root: peers });
  t.after(async () => {
    await remotes.close();
    await peer.close();
  });
  const ours = await makeRepository(repositories.pathOf(1), { objectFormat: formats.ours ?? "sha1" });
  const theirs = await makeRepository(join(peers, "theirs.git"), { objectFormat: formats.theirs ?? "sha1" });

  const stage: UpdateStage = {
    ours,
    theirs,
    repositories,
    generation: 1,
    limits: NO_LIMITS,
    beforeWrite: async () => {},
    listings: 0,
    async update(options = {}, { protectedBranches = [], branchLevel = 40, protectedTags = [] } = {}) {
      const branches = protectedBranches.map((name, id) => ({
        ...{ id, projectId: 1, name, allowForcePush: false, merge: [], unprotect: [] },
        push: [{ id, grantee: { kind: "role", level: branchLevel } as const, name: null }],
      }));
      const mirror = { projectId: 1, direction, options: { ...DEFAULT_MIRROR_OPTIONS, ...options } };
      const project = () => ({
        id: 1,
        refsGeneration: stage.generation,
        defaultBranchWasProtected: false,
      });
      const ports: RunPorts = {
        repositories,
        remotes: {
          ...remotes,
          listRefs: (remote, given) => {
            stage.listings += 1;
            return remotes.listRefs(remote, given);
          },
        },
        projects: {
          find: async () => project(),
          beginRefsWrite: async () => {},
          endRefsWrite: async () => {
            stage.generation += 1;
            return stage.generation;
          },
        },
        protectedTags: {
          list: async () =>
            protectedTags.map(([name, level], id) => ({
              ...{ id, projectId: 1, name, create: [{ id, grantee: { kind: "role", level }, name: null }] },
            })),
        },
        protectedBranches: { list: async () => branches },
      };
      const wanted = await wantedRefs(
        {
          protectedBranches: { list: async () => branches },
        },
        mirror,
      );
      const run: UpdateRun = {
        ...{ ports, mirror, wanted, project: project(), remote: openRemote(peer.urlOf("theirs.git")) },
        actor: { level: 40, isAdmin: false, userId: 1, groupIds: [], deployKeyId: null },
        transfer: { signal: t.signal },
        limits: stage.limits,
        requireLease: () => stage.beforeWrite(),
      };
      return direction === "pull" ? await runPullUpdate(run) : await runPushUpdate(run);
    },
  };
  return stage;
}
