import assert from "node:assert/strict";
import { test } from "node:test";
import { planPackages } from "./debian-packages.mjs";

const missing = [
  { package: "curl", command: "curl" },
  { package: "ca-certificates", file: "/etc/ssl/certs/ca-certificates.crt" },
];

test("nothing missing needs nothing", () => {
  assert.equal(planPackages([], { isRoot: true, hasApt: true }), null);
});

test("root on Debian installs what is missing", () => {
  assert.deepEqual(planPackages(missing, { isRoot: true, hasApt: true }), {
    install: ["curl", "ca-certificates"],
  });
});

test("anyone else is told what is missing and the command that installs it", () => {
  assert.deepEqual(planPackages(missing, { isRoot: false, hasApt: true }), {
    message:
      "the tests need what is missing here: curl, /etc/ssl/certs/ca-certificates.crt\n" +
      "  sudo apt-get update && sudo apt-get install -y curl ca-certificates",
  });
});

test("without apt-get even root is only told", () => {
  const plan = planPackages(missing, { isRoot: true, hasApt: false });
  assert.ok(plan !== null && "message" in plan);
  assert.match(plan.message, /on Debian: curl ca-certificates/);
});
