import assert from "node:assert/strict";
import { test } from "node:test";
import { classifyStderr, failureLines, remoteWords } from "./classify-stderr.ts";

/**
 * Lines of git 2.39.5 and curl 7.88, hosts replaced: most captured against real peers; those on certificates, object
 * formats and connection timeouts are written as git and curl word them, and were not captured.
 */
const CAPTURED: readonly (readonly [code: string, stderr: string])[] = [
  [
    "repository-too-large",
    "fatal: Out of memory, malloc failed (tried to allocate 4294967041 bytes)\nfatal: fetch-pack: invalid index-pack output",
  ],
  [
    "repository-too-large",
    "fatal: data too large to fit into virtual memory space\nfatal: fetch-pack: invalid index-pack output",
  ],
  [
    "fsck-refused",
    "error: object 082ae7708d7d3a9af2841d18d49896763440a459: duplicateEntries: contains duplicate file entries\nfatal: fsck error in packed object\nfatal: fetch-pack: invalid index-pack output",
  ],
  ["remote-not-git", "fatal: protocol error: bad pack header"],
  ["remote-not-git", "fatal: invalid length read 22"],
  ["remote-not-git", "fatal: http://h/a.git/info/refs not valid: is this a git repository?"],
  ["remote-not-git", "fatal: unable to access 'http://h/a/': The requested URL returned error: 400"],
  ["remote-redirects", "fatal: unable to access 'http://h/a.git/': The requested URL returned error: 301"],
  ["remote-not-found", "fatal: repository 'http://h/a.git/' not found"],
  ["remote-not-found", "fatal: remote error: access denied or repository not exported: /nope.git"],
  [
    "remote-not-found",
    "fatal: '/tmp/nope' does not appear to be a git repository\nfatal: Could not read from remote repository.",
  ],
  ["remote-busy", "fatal: unable to access 'http://h/a.git/': The requested URL returned error: 503"],
  ["remote-busy", "fatal: unable to access 'http://h/a.git/': The requested URL returned error: 429"],
  [
    "remote-busy",
    "error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429\nfatal: expected 'packfile'",
  ],
  [
    "remote-busy",
    "error: RPC failed; HTTP 503 curl 22 The requested URL returned error: 503\nfatal: the remote end hung up unexpectedly",
  ],
  ["remote-unreachable", "fatal: unable to access 'http://h/a.git/': The requested URL returned error: 500"],
  ["remote-timeout", "fatal: unable to access 'http://h/a.git/': The requested URL returned error: 504"],
  ["remote-forbidden", "fatal: unable to access 'http://h/a.git/': The requested URL returned error: 403"],
  ["remote-credential", "fatal: could not read Username for 'http://h': terminal prompts disabled"],
  ["remote-credential", "fatal: Authentication failed for 'http://h/a.git/'"],
  [
    "remote-closed",
    "error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nerror: 14 bytes of body are still expected\nfatal: expected flush after ref listing",
  ],
  [
    "remote-closed",
    "error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nsend-pack: unexpected disconnect while reading sideband packet\nfatal: the remote end hung up unexpectedly",
  ],
  ["remote-closed", "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output"],
  [
    "remote-unreachable",
    "fatal: unable to access 'http://h:1/x/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server",
  ],
  ["remote-unreachable", "fatal: unable to connect to h:\nh[0: 127.0.0.1]: errno=Connection refused"],
  ["remote-unreachable", "fatal: unable to access 'http://h/x/': Could not resolve host: h"],
  ["remote-unreachable", "fatal: unable to look up h (port 9418) (Name or service not known)"],
  ["remote-timeout", "fatal: unable to connect to h:\nh[0: 192.0.2.1]: errno=Connection timed out"],
  [
    "remote-timeout",
    "fatal: unable to access 'http://h/a.git/': Operation too slow. Less than 1 bytes/sec transferred the last 1 seconds",
  ],
  [
    "remote-tls",
    "fatal: unable to access 'https://h/a.git/': gnutls_handshake() failed: An unexpected TLS packet was received.",
  ],
  [
    "remote-tls",
    "fatal: unable to access 'https://h/a.git/': server certificate verification failed. CAfile: none CRLfile: none",
  ],
  [
    "remote-tls",
    "fatal: unable to access 'https://h/a.git/': SSL certificate problem: self-signed certificate",
  ],
  [
    "remote-lacks-object",
    "fatal: remote error: upload-pack: not our ref deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
  ],
  [
    "remote-lacks-object",
    "error: Server does not allow request for unadvertised object deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
  ],
  ["object-format-mismatch", "fatal: mismatched algorithms: client sha1; server sha256"],
  ["disk-full", "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output"],
  [
    "disk-full",
    "error: unable to write file ./objects/22/8ac7: No space left on device\nfatal: unpack-objects failed\nfatal: the remote end hung up unexpectedly",
  ],
  ["disk-full", "fatal: cannot update ref 'refs/heads/one': couldn't write 'refs/heads/one.lock'"],
  ["repository-corrupt", "fatal: not a git repository: '/srv/1.git'"],
  [
    "repository-corrupt",
    "fatal: bad object 228ac71f55b5f9ea4e7fd4d8bc5d8c3b5f5d5c5a\nerror: http://h/a.git did not send all necessary objects",
  ],
  ["repository-corrupt", "fatal: source repository is shallow, reject to clone."],
];

test("captured lines are classified", () => {
  for (const [code, stderr] of CAPTURED) assert.equal(classifyStderr(stderr)?.code, code, stderr);
});

test("unknown lines stay unknown", () => {
  for (const stderr of ["", "fatal: something new", "warning: redirecting nothing", "hint: try this"]) {
    assert.equal(classifyStderr(stderr), null, stderr);
  }
});

test("what a remote says does not decide what went wrong", () => {
  const stderr =
    "remote: Enumerating objects: 6, done.\nremote: Total 3 (delta 0), reused 0 (delta 0), pack-reused 0\nremote: fatal: No space left on device\nremote: Authentication failed\nfatal: the remote end hung up unexpectedly";
  assert.equal(classifyStderr(stderr)?.code, "remote-closed");
  assert.deepEqual(remoteWords(stderr), ["fatal: No space left on device", "Authentication failed"]);
});

test("the progress that git reports from the other side is not among what a remote says", () => {
  const stderr =
    "remote: Enumerating objects: 18, done.\nremote: Counting objects: 100% (18/18), done.\nremote: Total 18 (delta 0), reused 0\nremote: Counting on you!";
  assert.deepEqual(remoteWords(stderr), ["Counting on you!"]);
});

test("the lines that name a failure are found among others", () => {
  assert.equal(
    failureLines("hint: x\nerror: one\nCounting\nfatal: two\nhint: y\n"),
    "error: one; fatal: two",
  );
  assert.equal(failureLines("first\nlast\n"), "last");
  assert.equal(failureLines(""), "");
});
