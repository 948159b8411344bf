/** What was measured of one thing, over all its runs. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export type Unit = "ms" | "MB" | "×" | "/s";

/** One line of the table. `ratio` is ours by git's, run for run: what both share of the machine's noise cancels out. */
export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly git: Summary | null;
  readonly ours: Summary;
  readonly ratio: Summary | null;
  /** What is promised and whether the median keeps it; null: nothing is promised. */
  readonly budget: { readonly text: string; readonly isKept: boolean } | null;
}

export interface Outcome {
  readonly rows: readonly Row[];
  /** What one must know to read the rows. */
  readonly notes: readonly string[];
}

export interface Benchmark {
  /** As `--only` takes it. */
  readonly name: string;
  /** `runs`: how many times each side is measured, after one run of each that does not count. */
  run(options: { readonly runs: number }): Promise<Outcome>;
}

/** One run; answers what is measured. `run` counts from 0, the warm-up is -1: names that must be fresh use it. */
export type Contestant = (run: number) => Promise<number>;

/**
 * Measures all contestants in turn, round by round, after a round that does not count: whatever else the machine does
 * meanwhile, it does to all of them. The order turns with each round. Answers the figures of each, in their order.
 */
export async function alternate(
  runs: number,
  contestants: readonly Contestant[],
): Promise<readonly (readonly number[])[]> {
  const figures: number[][] = contestants.map(() => []);
  for (let run = -1; run < runs; run += 1) {
    for (let i = 0; i < contestants.length; i += 1) {
      const index = (i + Math.max(run, 0)) % contestants.length;
      const figure = await contestants[index]?.(run);
      if (run >= 0 && figure !== undefined) figures[index]?.push(figure);
    }
  }
  return figures;
}

/** Milliseconds that `work` takes. */
export async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Median and extremes of figures of one unit, whichever; `NaN` for none. */
export function summarize(figures: readonly number[]): Summary {
  const sorted = [...figures].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** The figure below which this part of them lies, with linear interpolation; NaN for no figures. */
export function quantile(figures: readonly number[], part: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Joins the figures of both sides, run for run, to a line. */
export function compare(
  line: Pick<Row, "what" | "unit">,
  git: readonly number[],
  ours: readonly number[],
  budget: { readonly ratioAtMost: number } | null,
): Row {
  const ratio = summarize(ours.map((figure, run) => figure / (git[run] ?? Number.NaN)));
  return {
    ...line,
    git: summarize(git),
    ours: summarize(ours),
    ratio,
    budget: budget && {
      text: `≤ ${budget.ratioAtMost} ×`,
      isKept: ratio.median <= budget.ratioAtMost,
    },
  };
}
