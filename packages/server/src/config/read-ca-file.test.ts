import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeAuthority } from "../../../../test/support/certificates.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { readCaFile } from "./read-ca-file.ts";

test("the certificates of the instance are read at its start, or it says what is wrong with the file", async (t) => {
  const dir = await makeTempDir(t);
  const { certificate } = await makeAuthority(dir);
  assert.equal(readCaFile({ caFile: null }), null);

  const caFile = join(dir, "bundle.pem");
  await writeFile(caFile, `ours\n${certificate}ours again\n${certificate}`);
  assert.equal(readCaFile({ caFile }), certificate + certificate);

  await writeFile(caFile, "no certificates here");
  assert.throws(() => readCaFile({ caFile }), {
    code: "config-invalid",
    message: /^HELIOSTAT_CA_FILE \(.*bundle\.pem\) cannot be used: holds no certificate/,
  });
  assert.throws(() => readCaFile({ caFile: join(dir, "missing.pem") }), {
    code: "config-invalid",
    message: /cannot be used: ENOENT/,
  });
});
