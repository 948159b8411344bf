import type { PayloadCommit, PayloadMove, PayloadProject, PayloadUser } from "../../domain/hook-payload.ts";
import { compileNamePattern } from "../../domain/name-pattern.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import { isBranch, isTag, type RefName, shortName } from "../../domain/ref-name.ts";
import type { RefMove } from "../../domain/refs.ts";
import { sshCloneUrl } from "../../domain/ssh-clone-url.ts";
import type { Asker, ChangedFiles, Ports } from "../ports.ts";

type FactPorts = Pick<
  Ports,
  "browsing" | "instance" | "log" | "protectedBranches" | "protectedTags" | "repositories" | "users"
>;

/** GitLab's: the newest of a push, whole; of the others the number. */
const MOST_COMMITS = 20;
/** A message that is longer is cut: it goes into every delivery of the event. */
const LONGEST_MESSAGE = 64 * 1024;

/** What hooks share their turns under, in the line of those who read. */
const HOOKS = "hooks";

export async function readPayloadProject(
  { instance, repositories }: Pick<Ports, "instance" | "repositories">,
  project: Project,
): Promise<PayloadProject> {
  const fullPath = fullPathOf(project);
  const branch = await repositories.readDefaultBranch(repositories.pathOf(project.id));
  return {
    ...{ id: project.id, name: project.name, description: project.description, fullPath },
    ...{ namespace: project.namespace.name, visibility: project.visibility },
    defaultBranch: branch === null ? null : shortName(branch),
    externalUrl: instance.externalUrl,
    sshUrl: sshCloneUrl(instance, fullPath),
  };
}

export async function readPayloadUser(
  { users }: Pick<Ports, "users">,
  id: number | null,
): Promise<PayloadUser> {
  const user = id === null ? null : await users.find(id);
  return user === null ? null : { id: user.id, name: user.name, username: user.username };
}

/** What these moves brought. What cannot be read is left out: an event that says less is better than none. */
export async function readPayloadMoves(
  ports: FactPorts,
  project: Project,
  moves: readonly RefMove[],
  signal: AbortSignal,
): Promise<readonly PayloadMove[]> {
  const isProtected = await readProtections(ports, project.id, moves);
  const told: PayloadMove[] = [];
  for (const move of moves) {
    told.push({
      ...move,
      isProtected: isProtected(move.ref),
      ...(await readBrought(ports, project, move, signal).catch((error: unknown) => {
        ports.log.warn(
          { projectId: project.id, err: error },
          "the commits of a push could not be read for a webhook",
        );
        return { checkoutOid: move.new, message: null, commits: [], commitCount: 0 };
      })),
    });
  }
  return told;
}

type Brought = Pick<PayloadMove, "checkoutOid" | "message" | "commits" | "commitCount">;

const NOTHING: Brought = { checkoutOid: null, message: null, commits: [], commitCount: 0 };

async function readBrought(
  ports: FactPorts,
  project: Project,
  move: RefMove,
  signal: AbortSignal,
): Promise<Brought> {
  const { browsing, repositories } = ports;
  const path = repositories.pathOf(project.id);
  const { ref, new: tip } = move;
  if (tip === null) return NOTHING;
  if (isTag(ref)) {
    const [tag] = await browsing.readTags(path, new Map([[ref, tip]]));
    return {
      ...NOTHING,
      checkoutOid: tag?.commit?.oid ?? null,
      message: tag?.annotation?.message.slice(0, LONGEST_MESSAGE) ?? null,
    };
  }
  const asker: Asker = { client: HOOKS, signal };
  const [facts, { oids }] = await Promise.all([
    repositories.describeMoves(path, [move], signal),
    browsing.listHistory(
      path,
      {
        ...{ tips: [tip], without: await oldTips(ports, path, move) },
        ...{ path: "", firstParent: false, order: "default" },
      },
      { skip: 0, count: MOST_COMMITS },
      asker,
    ),
  ]);
  const [commits, files] = await Promise.all([
    browsing.readCommits(path, oids),
    repositories.listChangedFiles(path, oids, signal),
  ]);
  const told = oids.toReversed().flatMap((oid): PayloadCommit[] => {
    const commit = commits.get(oid);
    if (commit === undefined) return [];
    const { added, modified, removed } = files.get(oid) ?? NO_FILES;
    return [
      {
        ...{ oid, added, modified, removed },
        message: commit.message.slice(0, LONGEST_MESSAGE),
        seconds: commit.committer.seconds,
        zoneMinutes: commit.committer.zoneMinutes,
        author: { name: commit.author.name, email: commit.author.email },
      },
    ];
  });
  return {
    ...NOTHING,
    checkoutOid: tip,
    commits: told,
    commitCount: facts.get(ref)?.commitCount ?? told.length,
  };
}

const NO_FILES: ChangedFiles = { added: [], modified: [], removed: [] };

/** What the receivers know: the old value; of a new branch, what the default branch has. */
async function oldTips(
  { browsing, repositories }: FactPorts,
  path: string,
  { ref, old }: RefMove,
): Promise<readonly NonNullable<RefMove["old"]>[]> {
  if (old !== null) return [old];
  const branch = await repositories.readDefaultBranch(path);
  if (branch === null || branch === ref) return [];
  const tip = await browsing.readRef(path, branch);
  return tip === null ? [] : [tip];
}

async function readProtections(
  { protectedBranches, protectedTags }: FactPorts,
  projectId: number,
  moves: readonly RefMove[],
): Promise<(ref: RefName) => boolean> {
  const branches = moves.some(({ ref }) => isBranch(ref)) ? await protectedBranches.list(projectId) : [];
  const tags = moves.some(({ ref }) => isTag(ref)) ? await protectedTags.list(projectId) : [];
  const isBranchOf = branches.map(({ name }) => compileNamePattern(name));
  const isTagOf = tags.map(({ name }) => compileNamePattern(name));
  return (ref) => (isBranch(ref) ? isBranchOf : isTagOf).some((matches) => matches(shortName(ref)));
}
