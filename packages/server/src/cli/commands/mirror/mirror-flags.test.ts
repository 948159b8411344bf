import assert from "node:assert/strict";
import { test } from "node:test";
import { readAddFlags } from "./mirror-flags.ts";

const URL = "https://git.example.com/a.git";

test("every flag of a new mirror becomes its parameter of the API", () => {
  assert.deepEqual(readAddFlags(URL, { direction: "pull" }), {
    direction: "pull",
    url: URL,
    enabled: true,
  });
  assert.deepEqual(
    readAddFlags(URL, {
      direction: "pull",
      branches: "^main$",
      tags: "none",
      deletions: "never",
      overwriteDiverged: true,
      followDefaultBranch: true,
      interval: "5m",
      adaptive: true,
      username: "bot",
      disabled: true,
    }),
    {
      direction: "pull",
      url: URL,
      enabled: false,
      auth_user: "bot",
      mirror_branch_regex: "^main$",
      mirror_tags: "none",
      mirror_deletions: "never",
      overwrites_diverged_branches: true,
      follow_default_branch: true,
      interval_seconds: 300,
      adaptive_interval: true,
    },
  );
  assert.deepEqual(readAddFlags(URL, { direction: "push", onlyProtected: true, keepDivergentRefs: true }), {
    direction: "push",
    url: URL,
    enabled: true,
    only_protected_branches: true,
    keep_divergent_refs: true,
  });
});

const refused = {
  "--direction is one of pull, push": { direction: "both" },
  "--deletions is one of default, never, always": { direction: "pull", deletions: "all" },
  "--branches and --only-protected exclude each other": {
    direction: "pull",
    branches: "x",
    onlyProtected: true,
  },
  "--wait would wait for ever: --disabled starts no update": {
    direction: "pull",
    wait: true,
    disabled: true,
  },
  "--keep-divergent-refs is for push mirrors": { direction: "pull", keepDivergentRefs: true },
  "--overwrite-diverged is for pull mirrors": { direction: "push", overwriteDiverged: true },
  "--follow-default-branch is for pull mirrors": { direction: "push", followDefaultBranch: true },
  "--interval is for pull mirrors": { direction: "push", interval: "5m" },
  "--adaptive is for pull mirrors": { direction: "push", adaptive: true },
  "--interval is a time such as 90s, 5m, 2h or 1d": { direction: "pull", interval: "soon" },
};

for (const [message, flags] of Object.entries(refused)) {
  test(message, () => {
    assert.throws(() => readAddFlags(URL, flags), { code: "parameter-invalid", message });
  });
}

test("an interval may have a unit; zero is none", () => {
  const seconds = (interval: string) => readAddFlags(URL, { direction: "pull", interval });
  for (const [interval, expected] of [
    ["90", 90],
    ["90s", 90],
    ["2h", 7200],
    ["1d", 86_400],
  ] as const) {
    assert.deepEqual(seconds(interval), {
      direction: "pull",
      url: URL,
      enabled: true,
      interval_seconds: expected,
    });
  }
  for (const interval of ["0", "-5m", "5 m", "1w", ""]) {
    assert.throws(() => seconds(interval), { code: "parameter-invalid" }, interval);
  }
});

test("a secret in the URL is refused, and not repeated", () => {
  for (const url of ["https://u:planted@h/a.git", "http://planted@h/a.git", "ssh://git:planted@h/a.git"]) {
    assert.throws(
      () => readAddFlags(url, { direction: "pull" }),
      (error: Error) => error.message.includes("--password-stdin") && !error.message.includes("planted"),
    );
  }
  for (const url of ["ssh://git@h/a.git", "git@h:a.git", "git://h/a.git"]) {
    assert.ok(readAddFlags(url, { direction: "pull" }), url);
  }
});

test("a key pair and host keys of SSH", () => {
  const url = "ssh://git@git.example.com/a.git";
  const base = { direction: "push", url, enabled: true, auth_method: "ssh_public_key" };
  const direction = "push";
  assert.deepEqual(readAddFlags(url, { direction, sshKey: true, hostKeys: "keys.txt" }), base);
  assert.deepEqual(readAddFlags(url, { direction, sshKey: "rsa" }), { ...base, ssh_key_type: "rsa" });
  assert.throws(() => readAddFlags(url, { direction, sshKey: "dsa" }), /--ssh-key is one of ed25519, rsa/);
  assert.throws(() => readAddFlags(url, { direction, sshKey: true, passwordStdin: true }), /exclude/);
  assert.throws(() => readAddFlags(url, { direction, hostKeys: "-", passwordStdin: true }), /standard input/);
});
