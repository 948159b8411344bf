import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunOptions, run, start } from "./run.ts";

const ENV = { PATH: "/usr/bin:/bin" };

function sh(script: string, options: Partial<RunOptions> = {}): RunOptions {
  return { command: "/bin/sh", args: ["-c", script], env: ENV, killAfterMs: 200, lingerMs: 100, ...options };
}

/** A `sleep` of this length is ours: no other test sleeps just so long. */
async function livingSleeps(seconds: string): Promise<number> {
  let count = 0;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line === `sleep\0${seconds}\0`) count += 1;
  }
  return count;
}

test("a run that succeeds and one that fails have the same shape", async () => {
  const good = await run(sh("echo out; echo err >&2"));
  assert.equal(good.stdout.toString(), "out\n");
  assert.equal(good.stderr, "err");
  assert.deepEqual([good.exitCode, good.signalName, good.reason], [0, null, null]);
  const bad = await run(sh("echo out; echo err >&2; exit 3"));
  assert.deepEqual(Object.keys(bad), Object.keys(good));
  assert.deepEqual([bad.exitCode, bad.signalName, bad.reason], [3, null, null]);
});

test("the environment is the one given and nothing else", async () => {
  const result = await run({ command: "/usr/bin/env", args: [], env: { ONLY: "this" } });
  assert.equal(result.stdout.toString(), "ONLY=this\n");
});

test("input reaches the process, from text, bytes and a stream", async () => {
  for (const input of [
    "hello",
    Buffer.from("hello"),
    Readable.from([Buffer.from("hel"), Buffer.from("lo")]),
  ]) {
    assert.equal((await run(sh("cat", { input }))).stdout.toString(), "hello");
  }
});

test("a process that does not read its input breaks nothing", async () => {
  const result = await run(sh("exec 0<&-; exit 0", { input: Buffer.alloc(4_000_000) }));
  assert.deepEqual([result.exitCode, result.reason], [0, null]);
  const endless = new Readable({ read: () => {} });
  endless.push("x");
  assert.equal((await run(sh("exit 7", { input: endless }))).exitCode, 7);
});

test("input that breaks off ends the process", async () => {
  const input = new Readable({ read: () => {} });
  setTimeout(() => input.destroy(new Error("the client is gone")), 50);
  assert.equal((await run(sh("cat", { input }))).reason, "aborted");
});

test("an abort ends the process and its descendants", async () => {
  const controller = new AbortController();
  const running = run(sh("sleep 60.25 & sleep 60.25", { signal: controller.signal }));
  await sleep(50);
  assert.equal(await livingSleeps("60.25"), 2);
  controller.abort();
  const result = await running;
  assert.deepEqual([result.reason, result.signalName], ["aborted", "SIGTERM"]);
  assert.equal(await livingSleeps("60.25"), 0);
});

test("an abort before the start starts nothing", async () => {
  const result = await run(sh("exit 0", { signal: AbortSignal.abort(), input: "text" }));
  assert.deepEqual([result.reason, result.exitCode], ["aborted", null]);
});

test("a process that ignores TERM is killed", async () => {
  const result = await run(sh("trap '' TERM; echo ready; while :; do sleep 0.01; done", { timeoutMs: 50 }));
  assert.deepEqual([result.reason, result.signalName], ["timed-out", "SIGKILL"]);
  assert.ok(result.durationMs >= 240, `killed after ${result.durationMs} ms`);
});

test("the first reason to stop is the one that is kept", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 120);
  const script = "trap '' TERM; while :; do sleep 0.01; done";
  assert.equal((await run(sh(script, { signal: controller.signal, timeoutMs: 40 }))).reason, "timed-out");
});

test("silence ends a process, output keeps it alive", async () => {
  assert.equal((await run(sh("sleep 5", { idleTimeoutMs: 80 }))).reason, "no-progress");
  const chatty = await run(
    sh("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.05; done", { idleTimeoutMs: 250 }),
  );
  assert.deepEqual([chatty.reason, chatty.exitCode], [null, 0]);
});

test("a flood of output is cut off, and memory with it", async () => {
  const result = await run(sh("yes", { maxOutput: 100_000 }));
  assert.equal(result.reason, "output-too-large");
  assert.ok(result.stdout.length <= 100_000);
});

test("of a flood of errors the end is kept", async () => {
  const result = await run(sh("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done >&2; exit 1"));
  assert.ok(result.stderr.length <= 64 * 1024);
  assert.match(result.stderr, /line 19999$/);
});

test("control characters of errors are left out: git ends what a remote says with a NUL at times", async () => {
  const seen: string[] = [];
  const script = "printf 'remote: broken.\\000\\n\\033[31mred\\000' >&2";
  const { stderr } = await run(sh(script, { onStderrLine: (line) => seen.push(line) }));
  assert.equal(stderr, "remote: broken.\n[31mred");
  assert.deepEqual(seen, ["remote: broken."]);
});

test("progress lines are handed out and not kept", async () => {
  const lines: string[] = [];
  const script = "printf 'Counting: 1%%\\rCounting: 99%%\\rCounting: 100%%, done.\\nfatal: no' >&2";
  const result = await run(sh(script, { onStderrLine: (line) => lines.push(line) }));
  assert.deepEqual(lines, ["Counting: 1%", "Counting: 99%", "Counting: 100%, done."]);
  assert.equal(result.stderr, "Counting: 100%, done.\nfatal: no");
});

test("a stray that holds the pipes does not hold the run", async () => {
  const result = await run(sh("sleep 61.25 & echo done"));
  assert.deepEqual([result.exitCode, result.reason, result.stdout.toString()], [0, null, "done\n"]);
  assert.ok(result.durationMs < 1_500);
  assert.equal(await livingSleeps("61.25"), 0);
});

test("a stray that closed the pipes is ended too", async () => {
  await run(sh("sleep 62.25 >/dev/null 2>&1 </dev/null &"));
  await sleep(30);
  assert.equal(await livingSleeps("62.25"), 0);
});

test("a stray that left the group cannot hold the run either", async () => {
  const result = await run(sh("setsid sleep 3 & echo done"));
  assert.equal(result.exitCode, 0);
  assert.ok(result.durationMs < 1_500);
});

test("what cannot be started says why", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "run-"));
  t.after(() => rm(dir, { recursive: true }));
  const missing = await run({ command: "/no/such/program", args: [], env: ENV, input: "text" });
  assert.equal(missing.reason, "spawn-failed");
  assert.match(missing.stderr, /ENOENT/);
  await writeFile(join(dir, "plain"), "text");
  const plain = await run({ command: join(dir, "plain"), args: [], env: ENV });
  assert.deepEqual([plain.reason, plain.exitCode], ["spawn-failed", null]);
  assert.match(plain.stderr, /EACCES/);
  const long = await run({ command: "/bin/true", args: ["x".repeat(3_000_000)], env: ENV });
  assert.equal(long.reason, "spawn-failed");
  assert.match(long.stderr, /E2BIG/);
});

test("a secret on descriptor 3 reaches the process; what it writes there comes back", async () => {
  const read = await run(sh("read -r line <&3; echo $line", { fd3Input: Buffer.from("secret\n") }));
  assert.equal(read.stdout.toString(), "secret\n");
  const written = await run(sh("echo news >&3", { fd3MaxOutput: 100 }));
  assert.equal(written.fd3.toString(), "news\n");
  assert.equal((await run(sh("yes >&3", { fd3MaxOutput: 100 }))).reason, "output-too-large");
});

test("a slow reader slows the process down and still gets every byte", async () => {
  const running = start(sh("head -c 3000000 /dev/zero", { lingerMs: 20 }));
  running.stdin.end();
  let received = 0;
  const slow = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      setTimeout(done, 2);
    },
  });
  await pipeline(running.stdout, slow);
  assert.equal((await running.exited).exitCode, 0);
  assert.equal(received, 3_000_000);
});

test("a reader that stops for good is cut off by the idle limit", async () => {
  const running = start(sh("head -c 3000000 /dev/zero", { idleTimeoutMs: 100 }));
  running.stdin.end();
  const stuck = new Writable({ highWaterMark: 1, write: () => {} });
  await assert.rejects(pipeline(running.stdout, stuck));
  assert.equal((await running.exited).reason, "no-progress");
});

test("work in the background has the lowest priority, and so has what it starts", async () => {
  const niceness = async (isBackground: boolean): Promise<number> => {
    const { stdout } = await run({ ...sh("sleep 0.2; nice"), isBackground });
    return Number(stdout.toString());
  };
  assert.equal(await niceness(true), 19);
  assert((await niceness(false)) < 19);
});

test("a stream is joined to descriptor 3 both ways, and what ends one ends the other", async () => {
  const makeStream = (onWrite: (text: string, stream: Duplex) => void): Duplex => {
    const stream: Duplex = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        onWrite(chunk.toString(), stream);
        done();
      },
    });
    return stream;
  };
  const base = { command: "sh", env: { PATH: "/usr/bin:/bin" } };
  const heard: string[] = [];
  const answering = makeStream((text, stream) => {
    heard.push(text);
    stream.push(`you said ${text}`);
    stream.push(null);
  });
  const talk = await run({ ...base, args: ["-c", "printf hello >&3; cat <&3"], fd3Stream: answering });
  assert.equal(talk.stdout.toString(), "you said hello");
  assert.deepEqual(heard, ["hello"]);
  assert.equal(talk.fd3Error, null);
  assert.ok(answering.destroyed);

  // A failure is the caller's to tell: the process sees an end.
  const failing = makeStream((_text, stream) => stream.destroy(new Error("broken")));
  const cut = await run({ ...base, args: ["-c", "printf hello >&3; cat <&3; exit 7"], fd3Stream: failing });
  assert.equal(cut.exitCode, 7);
  assert.equal(cut.fd3Error?.message, "broken");

  // Who goes without a word leaves nothing open, nor does who could not be started.
  const left = makeStream(() => {});
  await run({ ...base, args: ["-c", "kill -9 $$"], fd3Stream: left });
  assert.ok(left.destroyed);
  const unused = makeStream(() => {});
  await run({ ...base, args: [], fd3Stream: unused, signal: AbortSignal.abort() });
  assert.ok(unused.destroyed);
});

test("a stream that fails before its process is started ends nothing but the run", async (t) => {
  const uncaught: string[] = [];
  const note = (error: Error): void => void uncaught.push(error.message);
  process.on("uncaughtException", note);
  t.after(() => process.off("uncaughtException", note));
  const stopping = new AbortController();
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  stopping.signal.addEventListener("abort", () => stream.destroy(new Error("stopped")));
  stopping.abort();
  const { reason } = await run(sh("true", { fd3Stream: stream, signal: stopping.signal }));
  await sleep(10);
  assert.equal(reason, "aborted");
  assert.deepEqual(uncaught, []);
  // And a process that is given what has failed already sees an end.
  const late = await run(sh("cat <&3; exit 7", { fd3Stream: stream, timeoutMs: 5_000 }));
  assert.deepEqual([late.exitCode, late.fd3Error?.message], [7, "stopped"]);
});
