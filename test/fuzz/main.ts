// npm run fuzz [part of a target's name …]: each target for FUZZ_SECONDS (60), from FUZZ_SEED (another each time).
import { fuzz, fuzzOptions } from "./fuzz.ts";
import { FUZZ_TARGETS } from "./targets.ts";

const DEFAULT_SECONDS = 60;

const names = process.argv.slice(2);
const chosen = FUZZ_TARGETS.filter(
  ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
);
const options = fuzzOptions({ seconds: DEFAULT_SECONDS, seed: Date.now() % 2 ** 31 });
console.log(`FUZZ_SEED=${options.seed}, ${options.seconds} s each`);
for (const target of chosen) {
  try {
    console.log(`✔ ${target.name}: ${fuzz(target, options)} inputs`);
  } catch (error) {
    console.error(`✖ ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
if (chosen.length === 0) {
  console.error("Heliostat: there is no such target");
  process.exitCode = 2;
}
