import { HeliostatError } from "../../domain/errors.ts";
import type { Oid } from "../../domain/oid.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { isRefName, parseRefName, type RefName, shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";
import { pick } from "./branches.ts";
import { type Browsed, browse } from "./browsed-project.ts";
import type { BrowsingUseCases, TagView } from "./browsing-use-cases.ts";
import { changeRef } from "./change-ref.ts";
import { compileNameSearch } from "./match-names.ts";
import { compileRefAccess } from "./ref-access.ts";

type TagUseCases = Pick<BrowsingUseCases, "listTags" | "findTag" | "createTag" | "removeTag" | "searchRefs">;

export function tagUseCases(ports: Ports): TagUseCases {
  async function view(
    principal: Principal,
    { project, path }: Browsed,
    refs: ReadonlyMap<RefName, Oid>,
  ): Promise<readonly TagView[]> {
    const [tags, rules] = await Promise.all([
      ports.browsing.readTags(path, refs),
      ports.protectedTags.list(project.id),
    ]);
    const access = compileRefAccess(rules, principal, project);
    return tags.map((tag) => {
      const name = shortName(tag.ref);
      return { name, tag, isProtected: access(name).isProtected };
    });
  }

  async function findOne(principal: Principal, browsed: Browsed, name: string): Promise<TagView> {
    const ref = `refs/tags/${name}`;
    const oid = isRefName(ref) ? await ports.browsing.readRef(browsed.path, ref) : null;
    const [found] =
      oid !== null && isRefName(ref) ? await view(principal, browsed, new Map([[ref, oid]])) : [];
    if (found === undefined) throw new HeliostatError("not-found", "Tag Not Found");
    return found;
  }

  async function requirePush(principal: Principal, project: Project, name: string): Promise<void> {
    requireSignedIn(principal);
    if (!may(principal, "write-repository", project)) throw new HeliostatError("forbidden", "Forbidden");
    const rules = await ports.protectedTags.list(project.id);
    if (compileRefAccess(rules, principal, project)(name).canPush) return;
    throw new HeliostatError(
      "forbidden",
      "This tag is protected: only those whom its protection allows may do this.",
    );
  }

  return {
    async listTags(principal, which, filter, { page, perPage }) {
      const browsed = await browse(ports, principal, which);
      const matches = compileNameSearch(filter.search);
      const { refs } = await ports.browsing.listRefs(browsed.path, "tags");
      const names =
        filter.orderBy === "updated"
          ? [...(await ports.browsing.sortByTime(browsed.path, refs))]
          : [...refs.keys()];
      if (filter.orderBy === "version") names.sort(byVersion);
      const found = names.filter((ref) => matches(shortName(ref)));
      if (filter.sort === "desc") found.reverse();
      const shown = found.slice((page - 1) * perPage, page * perPage);
      const items = await view(principal, browsed, pick(refs, shown));
      return { project: browsed.project, found: { items, total: found.length } };
    },
    async findTag(principal, which, name) {
      const browsed = await browse(ports, principal, which);
      return { project: browsed.project, found: await findOne(principal, browsed, name) };
    },
    async createTag(principal, which, { name, ref: start }) {
      const browsed = await browse(ports, principal, which);
      await requirePush(principal, browsed.project, name);
      if (name.startsWith("-") || !isRefName(`refs/tags/${name}`)) throw refused("Tag name invalid");
      const ref = parseRefName(`refs/tags/${name}`);
      const oid = await ports.browsing.resolveCommit(browsed.path, start);
      if (oid === null) throw refused(`Target ${start} is invalid`);
      if ((await ports.browsing.readRef(browsed.path, ref)) !== null)
        throw refused(`Tag ${name} already exists`);
      await changeRef(ports, principal, browsed.project, { ref, action: "create", old: null, new: oid });
      return { project: browsed.project, found: await findOne(principal, browsed, name) };
    },
    async removeTag(principal, which, name) {
      const browsed = await browse(ports, principal, which);
      requireSignedIn(principal);
      const ref = `refs/tags/${name}`;
      const old = isRefName(ref) ? await ports.browsing.readRef(browsed.path, ref) : null;
      if (old === null || !isRefName(ref)) throw new HeliostatError("not-found", "Tag Not Found");
      await requirePush(principal, browsed.project, name);
      await changeRef(ports, principal, browsed.project, { ref, action: "delete", old, new: null });
    },
    async searchRefs(principal, which, search, { page, perPage }) {
      const { path } = await browse(ports, principal, which);
      const matches = compileNameSearch(search);
      const lists = await Promise.all([
        ports.browsing.listRefs(path, "branches"),
        ports.browsing.listRefs(path, "tags"),
      ]);
      const found = lists.flatMap(({ refs }, index) =>
        [...refs.keys()].flatMap((ref) => {
          const name = shortName(ref);
          return matches(name) ? [{ name, type: index === 0 ? ("branch" as const) : ("tag" as const) }] : [];
        }),
      );
      return { items: found.slice((page - 1) * perPage, page * perPage), total: found.length };
    },
  };
}

const collator = new Intl.Collator("en", { numeric: true });

/** Numbers in names by their value. */
function byVersion(a: RefName, b: RefName): number {
  return collator.compare(a, b) || (a < b ? -1 : 1);
}

function refused(message: string): HeliostatError {
  return new HeliostatError("model-invalid", message);
}
