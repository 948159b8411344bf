import type { HeliostatError } from "../domain/errors.ts";
import { createRefCollector, type ListedRefs, type RefCollector } from "./collected-refs.ts";
import type { BodyReader } from "./http-connections.ts";

/** The refs of a dumb remote; where its HEAD points is told by another file. */
export interface DumbRefs {
  readonly isEmpty: boolean;
  finish(head: string | null): ListedRefs;
}

const LINE = /^([0-9a-f]{40}|[0-9a-f]{64})\t([^\t]+)$/;
/** A line holds an oid and a name; no file system has longer names. */
const MAX_LINE = 8192;

/**
 * Reads the `info/refs` file of a repository behind a plain web server: `oid TAB name`, peeled tags as `name^{}`.
 * Anything else is refused with `refuse()` at the first line: this is where answers that are no Git at all end up.
 */
export function createDumbRefsReader(maxRefs: number, refuse: () => HeliostatError): BodyReader<DumbRefs> {
  let refs: RefCollector | undefined;
  let rest = "";

  function readLine(line: string): void {
    const [, oid = "", name = ""] = LINE.exec(line) ?? [];
    if (oid === "") throw refuse();
    refs ??= createRefCollector(oid.length === 40 ? "sha1" : "sha256", maxRefs);
    if (name.endsWith("^{}")) refs.addPeeled(name.slice(0, -3), oid);
    else refs.add({ name, oid });
  }

  return {
    push(chunk) {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) readLine(line);
      if (rest.length > MAX_LINE) throw refuse();
    },
    end() {
      if (rest !== "") throw refuse();
      const collected = refs ?? createRefCollector("sha1", maxRefs);
      return {
        isEmpty: refs === undefined,
        finish(head) {
          if (head !== null) collected.setHead(head);
          return collected.finish();
        },
      };
    },
  };
}

/** What a `HEAD` file says: the branch it names, `detached`, or null when it is no such file. */
export function readDumbHead(text: string): { readonly target: string } | "detached" | null {
  const [, target, oid] = /^(?:ref:\s*(refs\/\S+)|([0-9a-f]{40}|[0-9a-f]{64}))\n?$/.exec(text) ?? [];
  if (target !== undefined) return { target };
  return oid === undefined ? null : "detached";
}
