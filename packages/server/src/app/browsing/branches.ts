import { HeliostatError } from "../../domain/errors.ts";
import type { Oid } from "../../domain/oid.ts";
import { compileRegex } from "../../domain/re2-regex.ts";
import { branchRef, isRefName, type RefName, shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import { refusePush } from "../repositories/judge-write.ts";
import { askerOf, type Browsed, browse } from "./browsed-project.ts";
import type { BranchFilter, BranchView, BrowsingUseCases } from "./browsing-use-cases.ts";
import { changeRef } from "./change-ref.ts";
import { cutRefs } from "./cut-refs.ts";
import { compileNameSearch } from "./match-names.ts";
import { compileRefAccess } from "./ref-access.ts";
import { compareWithUpstream } from "./upstream.ts";

type BranchUseCases = Pick<BrowsingUseCases, "listBranches" | "findBranch" | "createBranch" | "removeBranch">;

/** A regex that is longer than this nobody wrote. */
const MAX_REGEX = 1_000;

/** Branches by API: read by whoever may read the code, made and removed by the rules that a push goes by. */
export function branchUseCases(ports: Ports): BranchUseCases {
  async function view(
    principal: Principal,
    browsed: Browsed,
    refs: ReadonlyMap<RefName, Oid>,
    signal: AbortSignal,
  ): Promise<readonly BranchView[]> {
    const asker = askerOf(principal, signal);
    const { project, path } = browsed;
    const [commits, head, rules, upstreams] = await Promise.all([
      ports.browsing.readCommits(path, [...new Set(refs.values())]),
      ports.browsing.readHead(path),
      ports.protectedBranches.list(project.id),
      compareWithUpstream(ports, browsed, refs, asker),
    ]);
    const access = compileRefAccess(rules, principal, project);
    const defaultOid = head === null ? null : await ports.browsing.readRef(path, head);
    const merged =
      defaultOid === null
        ? new Set<Oid>()
        : await ports.browsing.findMerged(path, [...commits.keys()], defaultOid, asker);
    return [...refs].flatMap(([ref, oid]) => {
      const commit = commits.get(oid);
      if (commit === undefined) return [];
      const name = shortName(ref);
      return [
        {
          name,
          commit,
          ...access(ref),
          isDefault: ref === head,
          // As in GitLab: the default branch is not merged into itself.
          isMerged: ref !== head && merged.has(oid),
          upstream: upstreams.get(ref) ?? null,
        },
      ];
    });
  }

  async function findOne(
    principal: Principal,
    browsed: Browsed,
    name: string,
    signal: AbortSignal,
  ): Promise<BranchView> {
    const ref = `refs/heads/${name}`;
    const oid = isRefName(ref) ? await ports.browsing.readRef(browsed.path, ref) : null;
    const [found] =
      oid !== null && isRefName(ref) ? await view(principal, browsed, new Map([[ref, oid]]), signal) : [];
    if (found === undefined) throw new HeliostatError("not-found", "Branch Not Found");
    return found;
  }

  return {
    async listBranches(principal, which, filter, position, signal) {
      const browsed = await browse(ports, principal, which);
      const matches = compileFilter(filter);
      const { refs } = await ports.browsing.listRefs(browsed.path, "branches");
      const names =
        filter.sort === "name_asc"
          ? [...refs.keys()]
          : await ports.browsing.sortByTime(browsed.path, refs, askerOf(principal, signal));
      const matching = matches === null ? names : names.filter((ref) => matches(shortName(ref)));
      const found = filter.sort === "updated_desc" ? matching.toReversed() : matching;
      const { shown, hasMore } = cutRefs(found, position, filter.sort === "name_asc" ? "asc" : null);
      const items = await view(principal, browsed, pick(refs, shown), signal);
      return { project: browsed.project, found: { items, total: found.length, hasMore } };
    },
    async findBranch(principal, which, name, signal) {
      const browsed = await browse(ports, principal, which);
      return { project: browsed.project, found: await findOne(principal, browsed, name, signal) };
    },
    async createBranch(principal, which, { name, ref: start }, signal) {
      const browsed = await browse(ports, principal, which);
      refusePush(principal, browsed.project);
      const ref = parseBranch(name);
      const oid = await ports.browsing.resolveCommit(browsed.path, start);
      if (oid === null) throw refused(`Invalid reference name: ${start}`);
      if ((await ports.browsing.readRef(browsed.path, ref)) !== null) throw refused("Branch already exists");
      await changeRef(ports, principal, browsed.project, { ref, action: "create", old: null, new: oid });
      return { project: browsed.project, found: await findOne(principal, browsed, name, signal) };
    },
    async removeBranch(principal, which, name) {
      const browsed = await browse(ports, principal, which);
      refusePush(principal, browsed.project);
      const ref = `refs/heads/${name}`;
      const old = isRefName(ref) ? await ports.browsing.readRef(browsed.path, ref) : null;
      if (old === null || !isRefName(ref)) throw new HeliostatError("not-found", "Branch Not Found");
      await changeRef(ports, principal, browsed.project, { ref, action: "delete", old, new: null });
    },
  };
}

/** Null: every name will do. */
function compileFilter({ search, regex }: BranchFilter): ((name: string) => boolean) | null {
  if (!search && !regex) return null;
  const matches = compileNameSearch(search);
  if (regex === undefined || regex === "") return matches;
  if (regex.length > MAX_REGEX) throw new HeliostatError("parameter-invalid", "regex is too long");
  const compiled = compileRegex(regex);
  return (name) => matches(name) && compiled.matcher(name).find();
}

function parseBranch(name: string): RefName {
  try {
    return branchRef(name);
  } catch {
    throw refused("Branch name is invalid");
  }
}

function refused(message: string): HeliostatError {
  return new HeliostatError("model-invalid", message);
}

/** The refs of these names, in their order. */
export function pick(refs: ReadonlyMap<RefName, Oid>, names: readonly RefName[]): ReadonlyMap<RefName, Oid> {
  return new Map(
    names.flatMap((name) => {
      const oid = refs.get(name);
      return oid === undefined ? [] : [[name, oid]];
    }),
  );
}
