import { HeliostatError } from "../domain/errors.ts";
import { type ObjectFormat, type Oid, objectFormatOf, parseOid } from "../domain/oid.ts";
import { tooManyRefs } from "./collected-refs.ts";
import type { PktLineReader } from "./ref-advertisement.ts";

/** What a remote says that is about to be pushed to. */
export interface ReceivePack {
  readonly objectFormat: ObjectFormat;
  /** `side-band-64k`, `agent=…` and so on. */
  readonly capabilities: ReadonlySet<string>;
  /** By full name as bytes (latin1), unchecked: it is only ever asked for names of ours. */
  readonly refs: Map<string, Oid>;
  /** All objects that it says to have, those of its hidden and borrowed refs (`.have`) too. */
  readonly haves: Set<Oid>;
}

/**
 * Reads what a receive-pack says first over smart HTTP: a line of the service's name, then refs with capabilities
 * behind the first. There is one protocol version for pushing. Other transports have no line of the service's name.
 *
 * States: `service` → `after-service` → `first` → `refs` → `done`.
 */
export function createReceivePackReader(
  maxRefs: number,
  { hasServiceLine = true }: { readonly hasServiceLine?: boolean } = {},
): PktLineReader<ReceivePack> {
  let state: "service" | "after-service" | "first" | "refs" | "done" = hasServiceLine ? "service" : "first";
  let capabilities: ReadonlySet<string> = new Set();
  let objectFormat: ObjectFormat = "sha1";
  const refs = new Map<string, Oid>();
  const haves = new Set<Oid>();
  let count = 0;
  let result: ReceivePack | null = null;

  function readFirst(line: string): void {
    const at = line.indexOf("\0");
    if (at < 0) throw notAdvertisement();
    capabilities = new Set(line.slice(at + 1).split(" "));
    const format = [...capabilities].find((word) => word.startsWith("object-format="))?.split("=")[1];
    if (format !== undefined && format !== "sha1" && format !== "sha256") {
      throw new HeliostatError("object-format-mismatch", "The remote has objects of an unknown format.");
    }
    objectFormat = format ?? "sha1";
    readRef(line.slice(0, at));
  }

  function readRef(line: string): void {
    const space = line.indexOf(" ");
    const [text, name] = [line.slice(0, space), line.slice(space + 1)];
    // The null oid stands for a broken ref, and in an empty repository for none (`capabilities^{}`).
    if (text === "shallow" || /^0+$/.test(text)) return;
    count += 1;
    if (count > maxRefs) {
      throw tooManyRefs(maxRefs);
    }
    const oid = readOid(text);
    haves.add(oid);
    if (name.startsWith("refs/")) refs.set(name, oid);
  }

  function readOid(text: string): Oid {
    let oid: Oid;
    try {
      oid = parseOid(text);
    } catch {
      throw notAdvertisement();
    }
    if (objectFormatOf(oid) !== objectFormat) throw notAdvertisement();
    return oid;
  }

  return {
    line(text) {
      if (state === "service" && text === "# service=git-receive-pack") {
        state = "after-service";
      } else if (state === "first") {
        readFirst(text);
        state = "refs";
      } else if (state === "refs") {
        readRef(text);
      } else {
        throw notAdvertisement();
      }
    },
    control(kind) {
      if (kind === "flush" && state === "after-service") {
        state = "first";
      } else if (kind === "flush" && state === "refs") {
        state = "done";
        result = { objectFormat, capabilities, refs, haves };
      } else {
        throw notAdvertisement();
      }
    },
    result: () => result,
  };
}

function notAdvertisement(): HeliostatError {
  return new HeliostatError("remote-not-git", "The remote's answer is not what Git says before a push.");
}
