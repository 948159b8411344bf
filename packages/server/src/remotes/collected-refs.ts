import { HeliostatError } from "../domain/errors.ts";
import { nullOid, type ObjectFormat, type Oid, objectFormatOf, parseOid } from "../domain/oid.ts";
import { parseRefName, type RefName } from "../domain/ref-name.ts";
import type { AdvertisedRef, AdvertisedRefs } from "../domain/refs.ts";

/** What a remote said about one ref. `name` and `symref` as bytes (latin1), unchecked. */
interface OfferedRef {
  readonly name: string;
  readonly oid: string;
  readonly peeled?: string | undefined;
  readonly symref?: string | undefined;
}

export interface RefCollector {
  add(offered: OfferedRef): void;
  /** The object behind the tag that was added last; that of any other ref is ignored. */
  addPeeled(name: string, oid: string): void;
  /** Where HEAD points, born or not, as bytes (latin1). A target that is no branch is not kept. */
  setHead(target: string): void;
  finish(): ListedRefs;
}

export interface ListedRefs {
  readonly advertised: AdvertisedRefs;
  /** Refs below heads and tags that were left out: git would refuse the name, it is not UTF-8, or the ref is broken. */
  readonly skipped: number;
  /** One of them, safe to print. */
  readonly example: string | null;
}

/** Beyond so many unusable refs a remote is broken or hostile; each costs an exception. */
const MAX_SKIPPED = 10_000;

/** Bytes. Linux takes paths of 4096, of which the repository's own is a part; git adds `.lock` to a name of 255. */
const MAX_NAME = 2048;
const MAX_COMPONENT = 250;

const MAX_SYMREF_STEPS = 5;

// No BOM handling: a name must come back to git byte for byte.
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII
const NOT_ASCII = /[^\x00-\x7f]/;

/**
 * Gathers what a remote offers, whatever the protocol. Keeps branches and tags; leaves out, and counts, those with a
 * name that cannot be a ref name of ours, and names those with the null oid, which is how git lists a broken ref: one
 * bad ref must not stop the others, and must not be taken for one that was deleted. A remote that breaks the rules for
 * oids, or names a ref twice, is refused as a whole (`remote-not-git`): it is not git that speaks there.
 */
export function createRefCollector(objectFormat: ObjectFormat, maxRefs: number): RefCollector {
  const nullText = nullOid(objectFormat);
  const refs = new Map<RefName, AdvertisedRef>();
  let last: { readonly bytes: string; readonly name: RefName } | null = null;
  let head: RefName | null = null;
  const broken = new Set<RefName>();
  const symrefs = new Map<string, string>();
  let skipped = 0;
  let unusable = 0;
  let example: string | null = null;

  function readOid(text: string): Oid {
    let oid: Oid;
    try {
      oid = parseOid(text);
    } catch (cause) {
      throw new HeliostatError("remote-not-git", "The remote lists a ref without a valid object id.", {
        cause,
      });
    }
    if (objectFormatOf(oid) !== objectFormat) {
      throw new HeliostatError(
        "remote-not-git",
        `The remote lists an object id that is not ${objectFormat}.`,
      );
    }
    return oid;
  }

  /** `name`: of a ref that is there all the same. */
  function skip(bytes: string, name: RefName | null): void {
    skipped += 1;
    if (name === null) unusable += 1;
    else broken.add(name);
    example ??= printable(bytes);
    if (skipped > MAX_SKIPPED) {
      throw new HeliostatError("remote-not-git", `The remote lists more than ${MAX_SKIPPED} unusable refs.`);
    }
  }

  return {
    add({ name: bytes, oid: text, peeled, symref }) {
      const isWanted = isBranchOrTag(bytes);
      if (text === nullText) {
        if (isWanted) skip(bytes, parseName(bytes));
        return;
      }
      const oid = readOid(text);
      if (!isWanted) return;
      const name = parseName(bytes);
      const target = symref === undefined ? undefined : parseName(symref);
      if (name === null || target === null) return skip(bytes, name);
      const ref: { oid: Oid; peeled?: Oid; symref?: RefName } = { oid };
      if (peeled !== undefined) ref.peeled = readOid(peeled);
      if (target !== undefined) {
        ref.symref = target;
        symrefs.set(name, target);
      }
      const before = refs.size;
      refs.set(name, ref);
      if (refs.size === before) throw new HeliostatError("remote-not-git", `The remote lists ${name} twice.`);
      if (refs.size > maxRefs) {
        throw tooManyRefs(maxRefs);
      }
      last = { bytes, name };
    },
    addPeeled(bytes, text) {
      const peeled = readOid(text);
      const ref = last?.bytes === bytes ? refs.get(last.name) : undefined;
      if (last !== null && ref !== undefined) refs.set(last.name, { ...ref, peeled });
    },
    setHead(target) {
      // Not counted: if the branch is there, it is listed too.
      head = target.startsWith("refs/heads/") ? parseName(target) : null;
    },
    finish() {
      refuseLoops(symrefs);
      return {
        advertised: {
          ...{ objectFormat, refs, head },
          ...(unusable === 0 ? {} : { unusable }),
          ...(broken.size === 0 ? {} : { broken }),
        },
        skipped,
        example,
      };
    },
  };
}

/**
 * `remote-not-git` for symbolic refs that lead in a circle: git follows them until it has no memory left. As git does,
 * takes more than five steps for one.
 */
export function refuseLoops(symrefs: ReadonlyMap<string, string>): void {
  for (const [name, first] of symrefs) {
    let target: string | undefined = first;
    for (let step = 0; target !== undefined; step += 1) {
      if (step >= MAX_SYMREF_STEPS) {
        throw new HeliostatError(
          "remote-not-git",
          `The remote lists ${printable(name)} as a symbolic ref that leads in a circle.`,
        );
      }
      target = symrefs.get(target);
    }
  }
}

/** For a list that is not read any further. */
export function tooManyRefs(maxRefs: number): HeliostatError {
  return new HeliostatError(
    "too-many-refs",
    `The remote has more than ${maxRefs} refs, which is the most that is read. An admin can raise \`max_refs\`.`,
  );
}

/** Null when it cannot be a ref name of ours: git would refuse it, or no file system could hold it. */
function parseName(bytes: string): RefName | null {
  if (bytes.length > MAX_NAME || bytes.split("/").some((part) => part.length > MAX_COMPONENT)) return null;
  try {
    return parseRefName(decodeName(bytes));
  } catch {
    return null;
  }
}

function isBranchOrTag(name: string): boolean {
  return name.startsWith("refs/heads/") || name.startsWith("refs/tags/");
}

/** Throws when the bytes are not UTF-8; otherwise the text gives back exactly these bytes. */
function decodeName(bytes: string): string {
  return NOT_ASCII.test(bytes) ? UTF8.decode(Buffer.from(bytes, "latin1")) : bytes;
}

function printable(bytes: string): string {
  const quoted = JSON.stringify(bytes.slice(0, 200));
  return quoted.replace(/[\u007f-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}
