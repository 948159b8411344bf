import { HeliostatError } from "../domain/errors.ts";
import type { ObjectFormat } from "../domain/oid.ts";
import { createRefCollector, type ListedRefs, type RefCollector, refuseLoops } from "./collected-refs.ts";
import type { PktLineSink } from "./pkt-line.ts";

/** What a protocol v2 remote can do, as far as listing refs goes. It offers refs only when asked (`ls-refs`). */
export interface Capabilities {
  readonly objectFormat: ObjectFormat;
  /** Whether to name them in a request: a remote that did not offer one may refuse it. */
  readonly takesAgent: boolean;
  readonly takesObjectFormat: boolean;
  /** Tells where HEAD points in an empty repository. */
  readonly tellsUnborn: boolean;
}

export type Advertisement =
  | { readonly version: 2; readonly capabilities: Capabilities }
  | { readonly version: 0 | 1; readonly listed: ListedRefs };

/** Git has about ten, each on a line of its own. */
const MAX_CAPABILITIES = 1000;

/** A reader of one part of a conversation: null until that part has ended. */
export interface PktLineReader<T> extends Omit<PktLineSink, "refused"> {
  result(): T | null;
}

/**
 * Reads what an upload-pack says first: refs and capabilities in one (v0, v1), or capabilities alone (v2).
 * `hasServiceLine`: smart HTTP puts a line of its own and a flush before it, though not every v2 server does.
 *
 * States: `service` (smart HTTP's line) → `first` (version or first ref) → `refs` or `capabilities` → `done`.
 */
export function createAdvertisementReader(options: {
  readonly hasServiceLine: boolean;
  readonly maxRefs: number;
}): PktLineReader<Advertisement> {
  let state: "service" | "after-service" | "first" | "refs" | "capabilities" | "done" = options.hasServiceLine
    ? "service"
    : "first";
  let version: 0 | 1 = 0;
  let refs: RefCollector | undefined;
  let symrefs: ReadonlyMap<string, string> = new Map();
  const lines: string[] = [];
  let result: Advertisement | null = null;

  function readFirst(line: string): void {
    if (line === "version 2") {
      state = "capabilities";
    } else if (line === "version 1" && version === 0) {
      version = 1;
      state = "first";
    } else {
      state = "refs";
      const [ref = "", capabilities = ""] = split(line, "\0");
      const words = capabilities.split(" ");
      refs = createRefCollector(readObjectFormat(valuesOf(words, "object-format")), options.maxRefs);
      symrefs = new Map(valuesOf(words, "symref").map((value) => split(value, ":")));
      refuseLoops(symrefs);
      const head = symrefs.get("HEAD");
      if (head !== undefined) refs.setHead(head);
      // An empty repository has no ref to hang its capabilities on.
      if (!/^0+ capabilities\^\{\}$/.test(ref)) readRef(ref, refs);
    }
  }

  function readRef(line: string, collector: RefCollector): void {
    const [oid, name] = split(line, " ");
    if (oid === "shallow") return;
    if (name.endsWith("^{}")) collector.addPeeled(name.slice(0, -3), oid);
    else collector.add({ name, oid, symref: symrefs.get(name) });
  }

  return {
    line(text) {
      switch (state) {
        case "service":
          if (text === "# service=git-upload-pack") state = "after-service";
          else if (text === "version 2") state = "capabilities";
          else throw notAdvertisement();
          return;
        case "first":
          readFirst(text);
          return;
        case "refs":
          if (refs !== undefined) readRef(text, refs);
          return;
        case "capabilities":
          lines.push(text);
          // Refs come only when they are asked for: what goes on and on is none of git's.
          if (lines.length > MAX_CAPABILITIES) throw notAdvertisement();
          return;
        case "after-service":
        case "done":
          throw notAdvertisement();
      }
    },
    control(kind) {
      if (kind === "flush" && state === "after-service") {
        state = "first";
      } else if (kind === "flush" && (state === "refs" || (state === "first" && version === 0))) {
        // A flush in place of the first ref is how old servers say that there is none.
        result = { version, listed: (refs ?? createRefCollector("sha1", options.maxRefs)).finish() };
        state = "done";
      } else if (kind === "flush" && state === "capabilities") {
        result = { version: 2, capabilities: readCapabilities(lines) };
        state = "done";
      } else {
        throw notAdvertisement();
      }
    },
    result: () => result,
  };
}

function readCapabilities(lines: readonly string[]): Capabilities {
  const names = lines.map((line) => split(line, "=")[0]);
  if (!names.includes("ls-refs")) {
    throw new HeliostatError("remote-not-git", "The remote speaks Git protocol 2 but does not list refs.");
  }
  return {
    objectFormat: readObjectFormat(valuesOf(lines, "object-format")),
    takesAgent: names.includes("agent"),
    takesObjectFormat: names.includes("object-format"),
    tellsUnborn: valuesOf(lines, "ls-refs").some((features) => features.split(" ").includes("unborn")),
  };
}

function readObjectFormat([format = "sha1"]: readonly string[]): ObjectFormat {
  if (format === "sha1" || format === "sha256") return format;
  throw new HeliostatError("object-format-mismatch", `The remote has objects of an unknown format.`);
}

/** The values of all `key=value` words with this key. */
function valuesOf(words: readonly string[], key: string): string[] {
  return words.filter((word) => word.startsWith(`${key}=`)).map((word) => word.slice(key.length + 1));
}

/** The text before and after the first separator; all of it and nothing when there is none. */
function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function notAdvertisement(): HeliostatError {
  return new HeliostatError("remote-not-git", "The remote's answer is no list of Git refs.");
}
