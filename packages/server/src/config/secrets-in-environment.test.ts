import assert from "node:assert/strict";
import { test } from "node:test";
import { secretsInEnvironment } from "./secrets-in-environment.ts";

test("passwords and tokens are secrets, and what stands for one in a URL", () => {
  const env = {
    HELIOSTAT_ADMIN_PASSWORD: "of root",
    HELIOSTAT_ADMIN_TOKEN: "hlpat-of-root",
    HELIOSTAT_TOKEN: "",
    HELIOSTAT_SECRETS_FILE: "/etc/secrets.json",
    HELIOSTAT_DATABASE_URL: "postgres://app@db/x?password=of%20db&sslmode=require",
    HELIOSTAT_SMTP_URL: "smtp://mailer:p%2Fw@mail.example.com",
    https_proxy: "http://bot:100%25%zz@proxy:3128",
    NO_PROXY: "localhost",
    PGPASSWORD: "of pg",
    HOME: "http://a:b@c",
  };
  assert.deepEqual(secretsInEnvironment(env), [
    "of root",
    "hlpat-of-root",
    "of db",
    "p%2Fw",
    "p/w",
    "mailer:p/w",
    "100%25%zz",
    "bot:100%25%zz",
    "of pg",
  ]);
});
