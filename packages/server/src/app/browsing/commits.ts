import { HeliostatError } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import type { Oid } from "../../domain/oid.ts";
import { shortName } from "../../domain/ref-name.ts";
import type { Commit, HistoryQuery } from "../ports.ts";
import {
  askerOf,
  type Browsed,
  type BrowsingPorts,
  browse,
  cleanPath,
  commitNamed,
} from "./browsed-project.ts";
import type { BrowsingUseCases } from "./browsing-use-cases.ts";

type CommitUseCases = Pick<
  BrowsingUseCases,
  "listCommits" | "findCommit" | "listCommitRefs" | "diffCommit" | "findMergeBase" | "compareCommits"
>;

/** GitLab shows no more commits of a comparison. */
const MAX_COMPARED = 1_000;
/** Others who read the same repository get their answers in between. */
const TAGS_AT_ONCE = 200;

/** Commits, what they change, which refs have them, and comparisons; all of it only read. */
export function commitUseCases(ports: BrowsingPorts): CommitUseCases {
  const { browsing } = ports;

  async function commitAt({ path }: Browsed, oid: Oid): Promise<Commit> {
    const commit = (await browsing.readCommits(path, [oid])).get(oid);
    if (commit === undefined) throw new HeliostatError("not-found", "Commit Not Found");
    return commit;
  }

  /** `all`: every branch and tag. None: the repository is empty. */
  async function tipsOf(
    browsed: Browsed,
    refName: string | undefined,
    all: boolean,
  ): Promise<readonly Oid[]> {
    const { path } = browsed;
    if (all) {
      const [branches, tags] = await Promise.all([
        browsing.listRefs(path, "branches"),
        browsing.listRefs(path, "tags"),
      ]);
      const tips = new Set(branches.refs.values());
      const targets = [...new Set(tags.refs.values())];
      for (let at = 0; at < targets.length; at += TAGS_AT_ONCE) {
        const part = targets.slice(at, at + TAGS_AT_ONCE);
        const tagged = await Promise.all(part.map((oid) => browsing.resolveCommit(path, oid)));
        for (const oid of tagged) if (oid !== null) tips.add(oid);
      }
      return [...tips].sort();
    }
    const oid = await browsing.resolveCommit(path, refName ?? "HEAD");
    if (oid !== null) return [oid];
    if (refName === undefined) return [];
    throw new HeliostatError("not-found", "Commit Not Found");
  }

  return {
    async listCommits(principal, which, filter, { page, perPage }, signal) {
      const asker = askerOf(principal, signal);
      const browsed = await browse(ports, principal, which);
      const { project, path } = browsed;
      const { refName, since, until, author, all, firstParent, order, withStats } = filter;
      const file = cleanPath(filter.path ?? "");
      // `a..b` is what only `b` has, in GitLab too.
      const range = refName === undefined || all ? null : /^(.+?)\.\.(?!\.)(.+)$/.exec(refName);
      const tips = await tipsOf(browsed, range?.[2] ?? refName, all);
      const without = range?.[1] === undefined ? [] : await tipsOf(browsed, range[1], false);
      if (file === null) return { project, found: { items: [], hasMore: false } };
      const query: HistoryQuery = {
        ...{ tips, without, path: file, firstParent, order },
        ...given({ since, until, author }),
      };
      const part = { skip: (page - 1) * perPage, count: perPage };
      const { oids, hasMore } = await browsing.listHistory(path, query, part, asker);
      const [commits, stats] = await Promise.all([
        browsing.readCommits(path, oids),
        withStats ? browsing.countChanges(path, oids, asker) : null,
      ]);
      const items = oids.flatMap((oid) => {
        const commit = commits.get(oid);
        return commit === undefined ? [] : [{ commit, stats: stats?.get(oid) ?? null }];
      });
      return { project, found: { items, hasMore } };
    },
    async findCommit(principal, which, name, { withStats }, signal) {
      const browsed = await browse(ports, principal, which);
      const oid = await commitNamed(ports, browsed, name, "Commit");
      const commit = await commitAt(browsed, oid);
      const asker = askerOf(principal, signal);
      const stats = withStats ? await browsing.countChanges(browsed.path, [oid], asker) : null;
      return { project: browsed.project, found: { commit, stats: stats?.get(oid) ?? null } };
    },
    async listCommitRefs(principal, which, name, type, signal) {
      const asker = askerOf(principal, signal);
      const browsed = await browse(ports, principal, which);
      const oid = await commitNamed(ports, browsed, name, "Commit");
      const kinds = (["branch", "tag"] as const).filter((kind) => type === "all" || type === kind);
      const lists = await Promise.all(
        kinds.map(async (kind) => {
          const refs = await browsing.listContaining(
            browsed.path,
            oid,
            kind === "tag" ? "tags" : "branches",
            asker,
          );
          return refs.map((ref) => ({ name: shortName(ref), type: kind }));
        }),
      );
      return lists.flat();
    },
    async diffCommit(principal, which, name, signal) {
      const browsed = await browse(ports, principal, which);
      const commit = await commitAt(browsed, await commitNamed(ports, browsed, name, "Commit"));
      const asker = askerOf(principal, signal);
      return await browsing.diff(browsed.path, commit.parents[0] ?? null, commit.oid, asker);
    },
    async findMergeBase(principal, which, names, signal) {
      const browsed = await browse(ports, principal, which);
      if (names.length < 2) throw new HeliostatError("model-invalid", "Provide at least 2 refs");
      const found = await Promise.all(names.map((name) => browsing.resolveCommit(browsed.path, name)));
      const missing = names.filter((_name, index) => found[index] === null);
      if (missing.length > 0) {
        throw new HeliostatError(
          "model-invalid",
          `Could not find ref${missing.length > 1 ? "s" : ""}: ${missing.join(", ")}`,
        );
      }
      const base = await browsing.mergeBase(
        browsed.path,
        found.flatMap((oid) => oid ?? []),
        askerOf(principal, signal),
      );
      if (base === null) throw new HeliostatError("not-found", "Merge Base Not Found");
      return { project: browsed.project, found: await commitAt(browsed, base) };
    },
    async compareCommits(principal, which, { from, to, isStraight }, signal) {
      const asker = askerOf(principal, signal);
      const browsed = await browse(ports, principal, which);
      const { project, path } = browsed;
      const [start, end] = await Promise.all([
        commitNamed(ports, browsed, from, "Ref"),
        commitNamed(ports, browsed, to, "Ref"),
      ]);
      const base = isStraight ? start : ((await browsing.mergeBase(path, [start, end], asker)) ?? start);
      const query: HistoryQuery = {
        tips: [end],
        without: [start],
        path: "",
        firstParent: false,
        order: "default",
      };
      const [{ oids }, diffs] = await Promise.all([
        browsing.listHistory(path, query, { skip: 0, count: MAX_COMPARED }, asker),
        browsing.diff(path, base, end, asker),
      ]);
      const commits = await browsing.readCommits(path, oids);
      const newestFirst = oids.flatMap((oid) => commits.get(oid) ?? []);
      return {
        project,
        found: {
          commit: newestFirst[0] ?? null,
          commits: newestFirst.toReversed(),
          diffs,
          isSame: start === end,
        },
      };
    },
  };
}
