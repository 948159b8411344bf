import { stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Oid } from "../domain/oid.ts";
import type { AncestryAnswer, AncestryAnswers, AncestryQuestion } from "../domain/ref-plan/ancestry.ts";
import { createSlots } from "../slots.ts";
import { checkObjects } from "./check-objects.ts";
import { CommitGraph } from "./commit-graph.ts";
import type { Git } from "./run-git.ts";

/** Up to here git answers each question with a walk of its own; above, the walks would add up. */
const FEW = 16;
/** Walks at the same time. */
const LANES = 4;
const TIMEOUT_MS = 10 * 60_000;

/**
 * Answers many questions with few processes. Annotated tags count as the commits that they lead to. The work, in the
 * order of its cost:
 *
 * 1. One `cat-file` finds the commits; what is not here, or is no commit, makes an answer `unknown`.
 * 2. Up to 16 questions, where there is a commit-graph: `merge-base --is-ancestor` for each, several at a time. With
 *    the generations in that file a walk ends where it must; without it each would read the whole history.
 * 3. More: one `rev-list` of the commits that are new on the side of the descendants. Most branches only moved forward,
 *    and their old tip is met there. A way that is found is a way; one that is not proves nothing.
 * 4. What is still open then: as many as in 2 as in 2, else the whole history is listed once and searched here. Measured
 *    on 20,000 commits with 5,000 questions: git's own walks take 22 s, the search under one second.
 */
export async function answerAncestry(
  git: Git,
  path: string,
  questions: readonly AncestryQuestion[],
): Promise<AncestryAnswers> {
  const commits = await checkObjects(
    git,
    path,
    questions.flatMap(({ ancestor, descendant }) => [ancestor, descendant]),
    "^{commit}",
  );
  const asked = new Set<string>();
  const open = new Map<string, AncestryQuestion>();
  const yes = new Set<string>();
  for (const question of questions) {
    const ancestor = commits.get(question.ancestor)?.oid;
    const descendant = commits.get(question.descendant)?.oid;
    if (ancestor === undefined || descendant === undefined) continue;
    const pair = { ancestor, descendant };
    asked.add(keyOf(pair));
    if (ancestor === descendant) yes.add(keyOf(pair));
    else open.set(keyOf(pair), pair);
  }

  const settle = (answered: readonly AncestryQuestion[]): void => {
    for (const pair of answered) {
      yes.add(keyOf(pair));
      open.delete(keyOf(pair));
    }
  };
  const walksAreShort = await hasCommitGraph(path);
  const areFew = () => walksAreShort && open.size <= FEW;
  if (!areFew()) settle(await searchGraph(git, path, [...open.values()], "new commits"));
  if (areFew()) settle(await walkEach(git, path, [...open.values()]));
  else settle(await searchGraph(git, path, [...open.values()], "all commits"));

  return (question): AncestryAnswer => {
    if (question.ancestor === question.descendant) return "yes";
    const ancestor = commits.get(question.ancestor)?.oid;
    const descendant = commits.get(question.descendant)?.oid;
    if (ancestor === undefined || descendant === undefined) return "unknown";
    const key = keyOf({ ancestor, descendant });
    if (!asked.has(key)) return "unknown";
    return yes.has(key) ? "yes" : "no";
  };
}

function keyOf({ ancestor, descendant }: AncestryQuestion): string {
  return `${ancestor} ${descendant}`;
}

/** Which of these git finds to be so, by a walk for each. */
async function walkEach(
  git: Git,
  path: string,
  pairs: readonly AncestryQuestion[],
): Promise<readonly AncestryQuestion[]> {
  const slots = createSlots(LANES);
  const answers = await Promise.all(
    pairs.map(async ({ ancestor, descendant }) => {
      const giveBack = await slots.take();
      try {
        const { exitCode } = await git.run({
          gitDir: path,
          args: ["merge-base", "--is-ancestor", ancestor, descendant],
          timeoutMs: TIMEOUT_MS,
          expect: [1],
        });
        return exitCode === 0;
      } finally {
        giveBack();
      }
    }),
  );
  return pairs.filter((_pair, index) => answers[index]);
}

async function hasCommitGraph(path: string): Promise<boolean> {
  const info = join(path, "objects", "info");
  const files = ["commit-graphs/commit-graph-chain", "commit-graph"];
  const found = await Promise.all(
    files.map((file) =>
      stat(join(info, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** Lists commits, either those that the ancestors do not have or all, and searches them for each descendant once. */
async function searchGraph(
  git: Git,
  path: string,
  pairs: readonly AncestryQuestion[],
  scope: "new commits" | "all commits",
): Promise<readonly AncestryQuestion[]> {
  if (pairs.length === 0) return [];
  const ancestorsOf = new Map<Oid, Oid[]>();
  for (const { ancestor, descendant } of pairs) {
    const candidates = ancestorsOf.get(descendant);
    if (candidates) candidates.push(ancestor);
    else ancestorsOf.set(descendant, [ancestor]);
  }
  const sign = scope === "new commits" ? "^" : "";
  const revisions = [...ancestorsOf.keys(), ...new Set(pairs.map((pair) => `${sign}${pair.ancestor}`))];
  const graph = await readGraph(git, path, revisions);

  const found: AncestryQuestion[] = [];
  for (const [descendant, candidates] of ancestorsOf) {
    const ancestors = await graph.findAncestors(descendant, candidates);
    for (const ancestor of ancestors) found.push({ ancestor, descendant });
  }
  return found;
}

async function readGraph(git: Git, path: string, revisions: readonly string[]): Promise<CommitGraph> {
  const listing = git.start({
    gitDir: path,
    args: ["rev-list", "--topo-order", "--parents", "--stdin"],
    timeoutMs: TIMEOUT_MS,
  });
  listing.stdin.end(revisions.map((revision) => `${revision}\n`).join(""));
  const graph = new CommitGraph();
  for await (const line of createInterface({ input: listing.stdout, crlfDelay: Number.POSITIVE_INFINITY }))
    graph.add(line);
  listing.check(await listing.exited);
  return graph;
}
