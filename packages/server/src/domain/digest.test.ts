import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { digestRefs } from "./digest.ts";
import { type ObjectFormat, parseOid } from "./oid.ts";
import { parseRefName, type RefName } from "./ref-name.ts";
import type { AdvertisedRef, AdvertisedRefs } from "./refs.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);

function refsOf(
  entries: Iterable<[string, string, string?]>,
  objectFormat: ObjectFormat = "sha1",
): AdvertisedRefs {
  const refs = new Map<RefName, AdvertisedRef>();
  for (const [name, oid, symref] of entries) {
    const target = symref === undefined ? {} : { symref: parseRefName(symref) };
    refs.set(parseRefName(name), { oid: parseOid(oid), ...target });
  }
  return { objectFormat, refs, head: null };
}

const all = () => true;

describe("digestRefs", () => {
  const main: [string, string] = ["refs/heads/main", A];
  const tag: [string, string] = ["refs/tags/v1", B];

  it("is SHA-256 over the object format and the sorted refs", () => {
    const text = `sha1\nrefs/heads/main ${A}\nrefs/tags/v1 ${B}`;
    assert.equal(digestRefs(refsOf([tag, main]), all), createHash("sha256").update(text).digest("hex"));
  });

  it("changes with a name, an oid, a ref more or less, and the object format", () => {
    const digests = [
      refsOf([]),
      refsOf([main]),
      refsOf([main, tag]),
      refsOf([["refs/heads/main", B]]),
      refsOf([["refs/heads/mainx", A]]),
      refsOf([], "sha256"),
    ].map((refs) => digestRefs(refs, all));
    assert.equal(new Set(digests).size, digests.length);
  });

  it("looks past unwanted refs, symbolic refs, HEAD and what tags peel to", () => {
    const wanted = (ref: RefName) => ref.startsWith("refs/heads/");
    const plain = digestRefs(refsOf([main]), wanted);
    assert.equal(digestRefs(refsOf([main, tag]), wanted), plain);
    assert.equal(digestRefs(refsOf([main, ["refs/heads/alias", A, "refs/heads/main"]]), wanted), plain);
    assert.equal(digestRefs({ ...refsOf([main]), head: parseRefName("refs/heads/main") }, wanted), plain);
    const peeled = { oid: parseOid(A), peeled: parseOid(B) };
    assert.equal(digestRefs({ ...refsOf([]), refs: new Map([[parseRefName(main[0]), peeled]]) }, all), plain);
  });

  it("counts HEAD for a mirror that follows it: another target, none, and whether it counts at all", () => {
    const at = (head: string | null) => ({
      ...refsOf([main]),
      head: head === null ? null : parseRefName(head),
    });
    const digests = [null, "refs/heads/main", "refs/heads/trunk"].map((head) =>
      digestRefs(at(head), all, { withHead: true }),
    );
    assert.equal(new Set([...digests, digestRefs(at(null), all)]).size, 4);
  });

  it("does not depend on the order in which the refs come", () => {
    const entries = fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^refs\/heads\/[a-z]{1,4}$/), fc.constantFrom(A, B)),
      { selector: ([name]) => name, maxLength: 8 },
    );
    const shuffled = entries.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([one, other]) => {
        assert.equal(digestRefs(refsOf(one), all), digestRefs(refsOf(other), all));
      }),
    );
  });
});
