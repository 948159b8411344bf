// npm run fuzz [part of a target's name …]: each target for FUZZ_SECONDS (60), from FUZZ_SEED (another each time).
import { fuzz, fuzzOptions } from "./fuzz.ts";
import { fuzzApi } from "./fuzz-api.ts";
import { FUZZ_TARGETS } from "./targets.ts";

const DEFAULT_SECONDS = 60;

const names = process.argv.slice(2);
const isWanted = (name: string) => names.length === 0 || names.some((part) => name.includes(part));
const options = fuzzOptions({ seconds: DEFAULT_SECONDS, seed: Date.now() % 2 ** 31 });
console.log(`FUZZ_SEED=${options.seed}, ${options.seconds} s each`);
const runs: Readonly<Record<string, () => number | Promise<number>>> = {
  ...Object.fromEntries(FUZZ_TARGETS.map((target) => [target.name, () => fuzz(target, options)])),
  api: () => fuzzApi(options),
};
const chosen = Object.entries(runs).filter(([name]) => isWanted(name));
for (const [name, run] of chosen) {
  try {
    console.log(`✔ ${name}: ${await run()} inputs`);
  } catch (error) {
    console.error(`✖ ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
if (chosen.length === 0) {
  console.error("Heliostat: there is no such target");
  process.exitCode = 2;
}
