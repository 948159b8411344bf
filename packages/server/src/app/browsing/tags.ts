import { HeliostatError } from "../../domain/errors.ts";
import type { Oid } from "../../domain/oid.ts";
import { compileTagProtection } from "../../domain/protections.ts";
import { isRefName, parseRefName, type RefName, shortName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import { actorOf } from "../protections/actor.ts";
import { refusePush } from "../repositories/judge-write.ts";
import { pick } from "./branches.ts";
import { askerOf, type Browsed, browse } from "./browsed-project.ts";
import type { BrowsingUseCases, TagView } from "./browsing-use-cases.ts";
import { changeRef } from "./change-ref.ts";
import { cutRefs } from "./cut-refs.ts";
import { compileNameSearch } from "./match-names.ts";

type TagUseCases = Pick<BrowsingUseCases, "listTags" | "findTag" | "createTag" | "removeTag" | "searchRefs">;

/** Tags by API: read by whoever may read the code, made and removed by the rules that a push goes by. */
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
    const access = compileTagProtection(rules, actorOf(principal, project));
    return tags.map((tag) => ({
      name: shortName(tag.ref),
      tag,
      isProtected: access(tag.ref).isProtected,
    }));
  }

  async function findOne(principal: Principal, browsed: Browsed, name: string): Promise<TagView> {
    const ref = `refs/tags/${name}`;
    const oid = isRefName(ref) ? await ports.browsing.readRef(browsed.path, ref) : null;
    const [found] =
      oid !== null && isRefName(ref) ? await view(principal, browsed, new Map([[ref, oid]])) : [];
    if (found === undefined) throw new HeliostatError("not-found", "Tag Not Found");
    return found;
  }

  return {
    async listTags(principal, which, filter, position, signal) {
      const browsed = await browse(ports, principal, which);
      const matches = compileNameSearch(filter.search);
      const { refs } = await ports.browsing.listRefs(browsed.path, "tags");
      const names =
        filter.orderBy === "updated"
          ? [...(await ports.browsing.sortByTime(browsed.path, refs, askerOf(principal, signal)))]
          : [...refs.keys()];
      if (filter.orderBy === "version") names.sort(byVersion);
      const found = names.filter((ref) => matches(shortName(ref)));
      if (filter.sort === "desc") found.reverse();
      const { shown, hasMore } = cutRefs(found, position, filter.orderBy === "name" ? filter.sort : null);
      const items = await view(principal, browsed, pick(refs, shown));
      return { project: browsed.project, found: { items, total: found.length, hasMore } };
    },
    async findTag(principal, which, name) {
      const browsed = await browse(ports, principal, which);
      return { project: browsed.project, found: await findOne(principal, browsed, name) };
    },
    async createTag(principal, which, { name, ref: start }) {
      const browsed = await browse(ports, principal, which);
      refusePush(principal, browsed.project);
      if (name === "HEAD" || name.startsWith("-") || !isRefName(`refs/tags/${name}`))
        throw refused("Tag name invalid");
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
      refusePush(principal, browsed.project);
      const ref = `refs/tags/${name}`;
      const old = isRefName(ref) ? await ports.browsing.readRef(browsed.path, ref) : null;
      if (old === null || !isRefName(ref)) throw new HeliostatError("not-found", "Tag Not Found");
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
