import fc from "fast-check";

/** A parser, and what must hold of it for any input. */
export interface FuzzTarget {
  readonly name: string;
  /** Holds unless it throws. */
  readonly property: fc.IRawProperty<unknown, false>;
}

/** More than anybody waits for: the time ends a run. */
const RUNS = 1_000_000_000;

/**
 * Feeds a target for so many seconds. Throws the shortest input found that breaks it, with the seed that finds it again.
 * Answers how many inputs there were.
 */
export function fuzz(target: FuzzTarget, { seconds, seed }: FuzzOptions): number {
  const result = fc.check(target.property, {
    seed,
    numRuns: RUNS,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false,
  });
  if (!result.failed) return result.numRuns;
  const input = fc.stringify(result.counterexample);
  const advice = `again: FUZZ_SEED=${seed} npm run fuzz ${target.name}`;
  throw new Error(`${target.name} breaks on ${input}\n${advice}\n${String(result.errorInstance)}`, {
    cause: result.errorInstance,
  });
}

export interface FuzzOptions {
  /** For each target. */
  readonly seconds: number;
  readonly seed: number;
}

/** What the environment asks for with `FUZZ_SECONDS` and `FUZZ_SEED`; else these. */
export function fuzzOptions(defaults: FuzzOptions): FuzzOptions {
  const { FUZZ_SECONDS, FUZZ_SEED } = process.env;
  return { seconds: Number(FUZZ_SECONDS ?? defaults.seconds), seed: Number(FUZZ_SEED ?? defaults.seed) };
}

/**
 * Texts made of seeds by some changes each: pieces cut out, doubled, replaced by words of the dictionary, or by pieces of
 * other seeds. Now and then of nothing but words, or of anything.
 */
export function mutated(seeds: readonly string[], dictionary: readonly string[]): fc.Arbitrary<string> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...dictionary) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
  );
  const change = fc.record({
    kind: fc.constantFrom("cut", "double", "insert", "replace", "splice"),
    from: place,
    length: fc.nat({ max: 12 }),
    word,
    seed: fc.constantFrom(...seeds),
  });
  const fromSeed = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { maxLength: 6 }))
    .map(([seed, changes]) => {
      let text = seed;
      for (const { kind, from, length, word, seed: other } of changes) {
        const start = Math.floor(from * text.length);
        const end = start + length;
        if (kind === "cut") text = text.slice(0, start) + text.slice(end);
        else if (kind === "double") text = text.slice(0, end) + text.slice(start);
        else if (kind === "insert") text = text.slice(0, start) + word + text.slice(start);
        else if (kind === "replace") text = text.slice(0, start) + word + text.slice(start + word.length);
        else text = text.slice(0, start) + other.slice(Math.floor(from * other.length));
      }
      return text;
    });
  return fc.oneof(
    { weight: 8, arbitrary: fromSeed },
    { weight: 3, arbitrary: fc.array(word, { maxLength: 10 }).map((words) => words.join("")) },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
  );
}
