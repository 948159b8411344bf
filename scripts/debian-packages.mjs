import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { findCommand } from "./find-command.mjs";

/**
 * A Debian package that the tests need, and the command or file by which to see whether it is there already, perhaps
 * not from Debian.
 *
 * @typedef {{ package: string, command: string } | { package: string, file: string }} DebianPackage
 */

/** @type {readonly DebianPackage[]} */
export const DEBIAN_PACKAGES = [
  // `git daemon` and `git http-backend` come with it.
  { package: "git", command: "git" },
  { package: "curl", command: "curl" },
  { package: "ca-certificates", file: "/etc/ssl/certs/ca-certificates.crt" },
  { package: "util-linux", command: "unshare" },
  { package: "iproute2", command: "ip" },
  { package: "procps", command: "ps" },
  { package: "openssl", command: "openssl" },
  { package: "openssh-client", command: "ssh" },
  { package: "openssh-server", file: "/usr/sbin/sshd" },
  { package: "microsocks", command: "microsocks" },
  { package: "tinyproxy", command: "tinyproxy" },
  // What clones over HTTP are measured against.
  { package: "nginx-light", file: "/usr/sbin/nginx" },
  { package: "fcgiwrap", command: "fcgiwrap" },
  // Asks the API as often as it can.
  { package: "wrk", command: "wrk" },
  // The tests of pages drive it through its DevTools protocol.
  { package: "chromium", file: "/usr/bin/chromium" },
  // The API client that is the pickiest about answers.
  { package: "python3-gitlab", file: "/usr/lib/python3/dist-packages/gitlab/__init__.py" },
];

/**
 * What to do about what is missing: nothing (null), install it, or tell the person who can.
 *
 * @param {readonly DebianPackage[]} missing
 * @param {{ isRoot: boolean, hasApt: boolean }} machine
 * @returns {{ install: readonly string[] } | { message: string } | null}
 */
export function planPackages(missing, machine) {
  if (missing.length === 0) return null;
  const names = missing.map((entry) => entry.package);
  if (machine.hasApt && machine.isRoot) return { install: names };
  const lacking = missing.map((entry) => ("command" in entry ? entry.command : entry.file)).join(", ");
  const how = machine.hasApt
    ? `sudo apt-get update && sudo apt-get install -y ${names.join(" ")}`
    : `install what provides them (on Debian: ${names.join(" ")})`;
  return { message: `the tests need what is missing here: ${lacking}\n  ${how}` };
}

/**
 * Installs what the tests need when this is Debian and we are root; otherwise answers false, having said what is
 * missing and how to get it.
 */
export function provideDebianPackages() {
  const missing = DEBIAN_PACKAGES.filter((entry) =>
    "command" in entry ? findCommand(entry.command) === null : !existsSync(entry.file),
  );
  const plan = planPackages(missing, {
    isRoot: process.getuid?.() === 0,
    hasApt: existsSync("/etc/debian_version") && findCommand("apt-get") !== null,
  });
  if (plan === null) return true;
  if ("message" in plan) {
    console.error(`Heliostat: ${plan.message}`);
    return false;
  }
  console.error(`Heliostat: installing ${plan.install.join(", ")}`);
  return (
    runAptGet(["update", "-qq"]) &&
    runAptGet(["install", "-y", "-qq", "--no-install-recommends", ...plan.install])
  );
}

/** @param {readonly string[]} args */
function runAptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr, error } = spawnSync("apt-get", args, { env, encoding: "utf8" });
  if (status === 0) return true;
  console.error(`Heliostat: apt-get ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`.trimEnd()}`);
  return false;
}
