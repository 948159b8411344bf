import type { RefOutcome, RejectionReason } from "@heliostat/contract";
import type { ObjectFormat, Oid } from "./oid.ts";
import type { RefName } from "./ref-name.ts";

/** One ref that a remote offers. `peeled` is the object an annotated tag leads to; `symref` the ref it points at. */
export interface AdvertisedRef {
  readonly oid: Oid;
  readonly peeled?: Oid;
  readonly symref?: RefName;
}

/** What a remote offers before any transfer. `HEAD` is not in `refs`; `head` is its target, if advertised. */
export interface AdvertisedRefs {
  readonly objectFormat: ObjectFormat;
  readonly refs: ReadonlyMap<RefName, AdvertisedRef>;
  readonly head: RefName | null;
  /** Branches and tags that are not in `refs`, because no name of ours is theirs. Left out: none. */
  readonly unusable?: number;
  /** Branches and tags that are there and cannot be read, so that they are not in `refs`. Left out: none. */
  readonly broken?: ReadonlySet<RefName>;
}

/** The refs of a hosted repository below `refs/heads/` and `refs/tags/`; symbolic refs are left out. */
export interface LocalRefs {
  readonly objectFormat: ObjectFormat;
  readonly refs: ReadonlyMap<RefName, Oid>;
  /** The symbolic ones: names for other refs, which no mirror touches. HEAD is not among them. */
  readonly symrefs: ReadonlySet<RefName>;
  /** Target of HEAD, whether or not that branch exists. */
  readonly head: RefName | null;
  /** Branches and tags that are not in `refs`, because their name is not UTF-8. Left out: none. */
  readonly unusable?: number;
  /**
   * Those that are there and cannot be read, and those that a crash took the value of: they are not in `refs`, or with an
   * older value. Left out: none.
   */
  readonly broken?: ReadonlySet<RefName>;
}

/** One ref that went from one value to another; null: it was not there, or is not there any more. */
export interface RefMove {
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly new: Oid | null;
}

/** One change to one ref, guarded by the value that the plan saw (`null`: the ref must not exist). */
export interface RefChange {
  readonly ref: RefName;
  readonly action: "create" | "fast-forward" | "force" | "delete";
  readonly old: Oid | null;
  readonly new: Oid | null;
  /** What `new` peels to, where the plan knows it: lets a first pull write packed refs as git does. */
  readonly peeled?: Oid;
}

/** What became of one ref. `message` says why and what to do for `diverged`, `held` and `rejected`. */
export interface RefResult {
  readonly ref: RefName;
  readonly outcome: Exclude<RefOutcome, "up-to-date" | "skipped">;
  readonly old: Oid | null;
  readonly new: Oid | null;
  readonly message?: string;
  /** For `rejected`: the class of the refusal, and a sentence on how to mend it. */
  readonly reason?: RejectionReason;
  readonly fix?: string;
}
