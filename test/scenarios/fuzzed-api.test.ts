import assert from "node:assert/strict";
import test from "node:test";
import { fuzzOptions } from "../fuzz/fuzz.ts";
import { fuzzApi } from "../fuzz/fuzz-api.ts";

// The same seed each time: whether a change is good must not hang on luck. New requests are for `npm run fuzz api`.
const options = fuzzOptions({ seconds: 20, seed: 1 });

test(`no request that is made from the API's description finds a fault (FUZZ_SEED=${options.seed})`, async () => {
  const count = await fuzzApi(options);
  assert(count >= 150, `${count} requests`);
});
