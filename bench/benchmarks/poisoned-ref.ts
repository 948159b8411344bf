import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, projectPath } from "../../test/support/api.ts";
import { git, makeRepository, refsOf } from "../../test/support/repositories.ts";
import { alternate, type Benchmark, type Contestant, type Row, summarize } from "../harness.ts";
import { onStage, type Stage } from "../stage.ts";

const REFS = 1_000;
const PROJECT = "root/poisoned";
const BUDGET = 1.5;
const NOBODY = "refs/heads/nobody";

/** What the downstream's hook does when it sees the ref; the same hook looks in vain in a clean run. */
const HOOKS: Readonly<Record<"update" | "named" | "unnamed", (ref: string) => readonly [string, string]>> = {
  update: (ref: string) => ["update", `[ "$1" = "${ref}" ] && echo "not this one" && exit 1; exit 0`],
  named: (ref: string) => [
    "pre-receive",
    `grep -q " ${ref}$" && echo "${ref} is protected" && exit 1; exit 0`,
  ],
  unnamed: (ref: string) => ["pre-receive", `grep -q " ${ref}$" && echo "not allowed" && exit 1; exit 0`],
};

/**
 * One ref among 1,000 that the downstream refuses: the update as a whole, from its start to its end as recorded,
 * against one that is refused nothing by the same hook. Downstreams are new and empty; where the bad ref stands differs
 * from run to run.
 */
export const poisonedRef: Benchmark = {
  name: "poisoned-ref",
  run: ({ runs }) =>
    onStage(async (stage) => {
      const { server, api } = await stage.server();
      const project = await api.createProject("poisoned");
      const source = await makeSource(join(stage.dir, "source.git"));
      const url = `${server.url.replace("http://", `http://root:${server.token}@`)}/${PROJECT}.git`;
      await git(source, ["push", "--quiet", url, "refs/heads/*:refs/heads/*"]);

      const contestant =
        (name: string, hook: keyof typeof HOOKS, isPoisoned: boolean): Contestant =>
        (run) =>
          measure(
            { api, stage, project: project.id },
            `${name}-${run + 1}`,
            HOOKS[hook],
            isPoisoned ? run : null,
          );
      const [byUpdate = [], alone = [], byPreReceive = [], named = [], unnamed = []] = await alternate(runs, [
        contestant("clean-update", "update", false),
        contestant("alone", "update", true),
        contestant("clean-pre-receive", "unnamed", false),
        contestant("named", "named", true),
        contestant("unnamed", "unnamed", true),
      ]);
      return {
        rows: [
          row(`${REFS} refs, an update hook: none refused`, byUpdate, null),
          row("  one refused alone", alone, byUpdate),
          row(`${REFS} refs, a pre-receive hook: none refused`, byPreReceive, null),
          row("  one declined with its push, and named", named, byPreReceive),
          row("  one declined with its push, not named", unnamed, byPreReceive),
        ],
        notes: [
          `poisoned-ref: a push mirror's first update, of ${REFS} branches with a commit each, to \`git http-backend\`; the ratio is to the clean update of the same round.`,
        ],
      };
    }),
};

/** One first update of a new mirror; milliseconds by its record. Fails unless exactly the poisoned ref was refused. */
async function measure(
  { api, stage, project }: { readonly api: Api; readonly stage: Stage; readonly project: number },
  name: string,
  hook: (ref: string) => readonly [string, string],
  poisonedRun: number | null,
): Promise<number> {
  const poisoned = poisonedRun === null ? null : branch((617 + (poisonedRun + 1) * 379) % REFS);
  const downstream = await makeRepository(join(stage.peerRoot, `${name}.git`));
  const [hookName, script] = hook(poisoned ?? NOBODY);
  await mkdir(join(downstream, "hooks"), { recursive: true });
  await writeFile(join(downstream, "hooks", hookName), `#!/bin/sh\n${script}\n`);
  await chmod(join(downstream, "hooks", hookName), 0o755);

  const { id } = await api.createPushMirror(project, `${stage.peerUrl}/${name}.git`);
  await api.post(`${projectPath(project)}/remote_mirrors/${id}/sync`);
  for (;;) {
    const first = (await api.listUpdates(project, id)).at(-1);
    if (first?.finished_at) {
      await api.delete(`${projectPath(project)}/remote_mirrors/${id}`);
      await expectRefs(downstream, poisoned, first.error ?? "");
      return Date.parse(first.finished_at) - Date.parse(first.started_at);
    }
    await sleep(20);
  }
}

async function expectRefs(downstream: string, poisoned: string | null, error: string): Promise<void> {
  const arrived = await refsOf(downstream);
  const isRight =
    poisoned === null
      ? Object.keys(arrived).length === REFS && error === ""
      : Object.keys(arrived).length === REFS - 1 && !(poisoned in arrived) && error.includes(poisoned);
  if (!isRight) throw new Error(`${Object.keys(arrived).length} refs arrived; the update says: ${error}`);
}

function branch(index: number): string {
  return `refs/heads/topic-${String(index).padStart(4, "0")}`;
}

/** Branches with a commit each, all from one commit. */
async function makeSource(path: string): Promise<string> {
  await makeRepository(path, { head: branch(0).slice("refs/heads/".length) });
  const who = "committer C O Mitter <committer@example.com> 1700000000 +0000";
  const lines = [
    `commit refs/heads/base\nmark :1\n${who}\ndata 4\nbase\nM 100644 inline base\ndata 4\nbase\n`,
  ];
  for (let i = 0; i < REFS; i += 1) {
    const text = `change ${String(i).padStart(4, "0")}`;
    lines.push(
      `commit ${branch(i)}\n${who}\ndata ${text.length}\n${text}\nfrom :1\nM 100644 inline file-${i % 10}\ndata ${text.length}\n${text}\n`,
    );
  }
  await git(path, ["fast-import", "--quiet"], { input: lines.join("") });
  await git(path, ["update-ref", "-d", "refs/heads/base"]);
  return path;
}

function row(what: string, ours: readonly number[], clean: readonly number[] | null): Row {
  const ratio = clean && summarize(ours.map((figure, run) => figure / (clean[run] ?? Number.NaN)));
  return {
    what,
    unit: "ms",
    git: null,
    ours: summarize(ours),
    ratio,
    budget: ratio && { text: `≤ ${BUDGET} ×`, isKept: ratio.median <= BUDGET },
  };
}
