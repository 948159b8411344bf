import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readClientSecret } from "./read-client-secret.ts";
import { describeSettings, readSettings } from "./settings.ts";

const places = { checkoutDir: "/srv/heliostat", workingDir: "/home/ada" };
const WHOLE = { HELIOSTAT_OIDC_ISSUER: "https://id.example.com/realms/a", HELIOSTAT_OIDC_CLIENT_ID: "h" };

const refused = (env: Record<string, string>, complaint: RegExp) =>
  assert.throws(() => readSettings(env, places), { code: "config-invalid", message: complaint });

test("issuer and client id are enough", () => {
  assert.deepEqual(readSettings(WHOLE, places).oidc, {
    ...{
      issuer: "https://id.example.com/realms/a",
      clientId: "h",
      clientSecret: null,
      clientSecretFile: null,
    },
    ...{ name: "OpenID Connect", scopes: "openid profile email", createsUsers: true },
  });
});

test("what does not go together is named", () => {
  refused({ HELIOSTAT_OIDC_CLIENT_ID: "h" }, /HELIOSTAT_OIDC_ISSUER is missing/);
  refused({ HELIOSTAT_OIDC_ISSUER: "https://id.example.com" }, /HELIOSTAT_OIDC_CLIENT_ID is missing/);
  const both = { HELIOSTAT_OIDC_CLIENT_SECRET: "s3cret", HELIOSTAT_OIDC_CLIENT_SECRET_FILE: "f" };
  refused({ ...WHOLE, ...both }, /are both set/);
  refused({ ...WHOLE, HELIOSTAT_OIDC_SCOPES: "email" }, /HELIOSTAT_OIDC_SCOPES lacks openid/);
  refused(
    { ...WHOLE, HELIOSTAT_OIDC_ISSUER: "https://u:p@id.example.com" },
    /neither a user name nor a query/,
  );
});

test("plain http is for this machine only, unless local networks are allowed", () => {
  const over = (issuer: string) => ({ ...WHOLE, HELIOSTAT_OIDC_ISSUER: issuer });
  for (const host of ["localhost:1", "127.0.0.1", "[::1]:9"]) readSettings(over(`http://${host}`), places);
  refused(over("http://id.example.com"), /must begin with https:/);
  refused(over("http://127.0.0.1.example.com"), /must begin with https:/);
  readSettings({ ...over("http://id.example.com"), HELIOSTAT_ALLOW_LOCAL_REMOTES: "true" }, places);
});

test("the client secret is masked, and may be in a file", () => {
  const settings = readSettings({ ...WHOLE, HELIOSTAT_OIDC_CLIENT_SECRET: "s3cret" }, places);
  assert.equal(JSON.stringify(describeSettings(settings)).includes("s3cret"), false);
  const directory = mkdtempSync(join(tmpdir(), "heliostat-oidc-"));
  try {
    const clientSecretFile = join(directory, "secret");
    writeFileSync(clientSecretFile, "from-a-file\n");
    assert.equal(readClientSecret({ clientSecret: null, clientSecretFile }), "from-a-file");
    writeFileSync(clientSecretFile, "\n");
    const unusable = { code: "config-invalid", message: /HELIOSTAT_OIDC_CLIENT_SECRET_FILE .* it is empty/ };
    assert.throws(() => readClientSecret({ clientSecret: null, clientSecretFile }), unusable);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
