import assert from "node:assert/strict";
import { test } from "node:test";
import { openRemote } from "../../../../../test/support/git-adapter.ts";
import { commandError } from "./ssh-refusal.ts";

const remote = openRemote("ssh://git@example.com/group/project.git", {
  credential: { username: "git", password: "hunter22" },
});

/** What hosts say on standard error, as they documented it or were seen to. */
const SAID: readonly (readonly [code: string, stderr: string, exit?: number])[] = [
  ["remote-not-found", "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n", 1],
  [
    "remote-not-found",
    "remote: \nremote: ========================================================================\nremote: \nremote: ERROR: The project you were looking for could not be found or you don't have permission to view it.\nremote: \nremote: ========================================================================\nremote: \n",
    1,
  ],
  ["remote-not-found", "Gitea: Cannot find repository: someone/thing\n", 1],
  ["remote-not-found", "Forgejo: Repository does not exist or you do not have access\n", 1],
  ["remote-not-found", "conq: repository does not exist.\n", 1],
  [
    "remote-not-found",
    "The requested repository either does not exist or you do not have access. If you believe this repository exists, make sure that you are authenticated.\n",
    1,
  ],
  [
    "remote-not-found",
    "Repository not found\nThe requested repository does not exist, or you do not have permission to access it.\n",
  ],
  ["remote-not-found", "fatal: '/srv/git/x.git' does not appear to be a git repository\n", 128],
  ["remote-not-found", "fatal: project nothing not found\n", 1],
  ["remote-forbidden", "ERROR: Permission to someone/thing.git denied to deploy-key.\n", 1],
  [
    "remote-forbidden",
    "FATAL: R any thing someone DENIED by fallthru\n(or you mis-spelled the reponame)\n",
    128,
  ],
  ["remote-forbidden", "ERROR: The key you are authenticating with has been marked as read only.\n", 1],
  [
    "remote-forbidden",
    "remote: ERROR: This deploy key does not have write access to this project. You are not allowed to push.\n",
    1,
  ],
  ["remote-forbidden", "Gitea: Unauthorized\n", 1],
  ["remote-forbidden", "This account is currently not available.\n", 1],
  ["remote-busy", "ERROR: Too many requests, please try again later.\n", 1],
  ["remote-not-git", "sh: 1: git-upload-pack: not found\n", 127],
  ["remote-not-git", "bash: git-receive-pack: command not found\n", 127],
  ["remote-closed", "fatal: the remote end hung up unexpectedly\n", 128],
  ["remote-closed", "", 255],
  ["remote-closed", "fatal: out of memory, malloc failed (tried to allocate 1234 bytes)\n", 128],
];

test("what a host says has its code, and the sentence names the host and the words, on one line", () => {
  for (const [code, stderr, exit = 1] of SAID) {
    const error = commandError({ code: exit, signalName: null, stderr }, remote, "example.com");
    assert.equal(error.code, code, stderr);
    assert.match(error.message, /^example\.com /);
    assert.doesNotMatch(error.message, /[\n\r=]|remote:/);
  }
});

test("secrets in what a host says are masked, and its length is bounded", () => {
  const stderr = `ERROR: no such user hunter22 ${"x".repeat(5000)}\n\u001b[31m`;
  const { message } = commandError({ code: 1, signalName: null, stderr }, remote, "example.com");
  assert.match(message, /no such user \*\*\*\*\*/);
  assert.ok(message.length < 400);
});
