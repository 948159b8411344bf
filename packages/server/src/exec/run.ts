import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { constants, setPriority } from "node:os";
import { type Duplex, Readable, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { createTail } from "./tail.ts";

/** Why we ended a process, or could not start it. The first reason is kept. */
export type StopReason = "aborted" | "timed-out" | "no-progress" | "output-too-large" | "spawn-failed";

/** Bounds that the system holds, each for every process by itself. */
export interface ProcessLimits {
  /** Of memory with content of its own: files that are only mapped do not count. Not heeded by macOS. */
  readonly memoryBytes?: number;
  /** For each file that is written; the process that goes further gets SIGXFSZ. */
  readonly fileBytes?: number;
}

export interface StartOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Ends the process when no byte went in or out for so long; a function, when the patience changes on the way. */
  readonly idleTimeoutMs?: number | (() => number);
  /** What the process, and each that it starts, may take. */
  readonly limits?: ProcessLimits;
  /** Leaves processor and disk to everybody else, as `nice` does. */
  readonly isBackground?: boolean;
  /** From TERM to KILL; five seconds unless told. */
  readonly killAfterMs?: number;
  /** How long strays may hold our pipes open after the process itself has exited; two seconds unless told. */
  readonly lingerMs?: number;
  /** Whole lines of standard error as they come, those that end in a carriage return (progress) too. */
  readonly onStderrLine?: (line: string) => void;
  /** What the process can read from descriptor 3, and nobody else can see: secrets. */
  readonly fd3Input?: Buffer;
  /** Collect what the process writes to descriptor 3, up to so many bytes. */
  readonly fd3MaxOutput?: number;
  /**
   * Joined to descriptor 3 in both directions, at the pace of both sides. What ends one ends the other; when the process
   * is gone, the stream is destroyed.
   */
  readonly fd3Stream?: Duplex;
}

/** One shape for success and failure: whether it is one is for the caller to say. */
export interface Exit {
  /** Null when a signal ended the process, or it never started. */
  readonly exitCode: number | null;
  readonly signalName: NodeJS.Signals | null;
  readonly reason: StopReason | null;
  /** The last whole lines of standard error, progress left out. For `spawn-failed`: the system's message. */
  readonly stderr: string;
  readonly fd3: Buffer;
  /** What the stream at descriptor 3 failed with. The process has only seen that it ended. */
  readonly fd3Error: Error | null;
  readonly durationMs: number;
}

export interface RunResult extends Exit {
  readonly stdout: Buffer;
}

export interface RunOptions extends StartOptions {
  readonly input?: string | Buffer | Readable;
  /** In bytes of standard output; 64 MiB unless told. */
  readonly maxOutput?: number;
}

/** A process whose standard input and output the caller moves, at the pace of both sides. */
export interface RunningProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves, and never rejects, when the process is gone and its output was read to the end. */
  readonly exited: Promise<Exit>;
  stop(reason: StopReason): void;
}

const KILL_AFTER_MS = 5_000;
const LINGER_MS = 2_000;
const STDERR_TAIL_BYTES = 64 * 1024;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Runs a process to its end and collects its output. Never rejects: `reason`, `exitCode` and `signalName` say how it
 * went. The process has a group of its own, which is ended as a whole, so that no descendant outlives the run.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const started = start(options);
  const maxOutput = options.maxOutput ?? MAX_OUTPUT_BYTES;
  const chunks: Buffer[] = [];
  let size = 0;
  started.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutput) started.stop("output-too-large");
    else chunks.push(chunk);
  });
  if (options.input instanceof Readable) {
    const input = options.input;
    input.pipe(started.stdin);
    // A process may well end without reading all of its input: that is its right. Input that breaks off is not.
    finished(input).catch(() => started.stop("aborted"));
    const exit = await started.exited;
    input.unpipe(started.stdin);
    input.destroy();
    return { ...exit, stdout: Buffer.concat(chunks) };
  }
  started.stdin.end(options.input);
  const exit = await started.exited;
  return { ...exit, stdout: Buffer.concat(chunks) };
}

/**
 * Starts a process and hands out its streams; `run` says what else holds. States:
 *
 * - running: until the process exits by itself or `stop` is called (abort, time-out, idle, too much output);
 * - stopping: TERM was sent to the group, KILL follows after `killAfterMs`;
 * - exited, pipes open: a descendant holds them, or the reader of `stdout` is slow. After `lingerMs` the group is
 *   killed, which takes no byte away from a slow reader; what escaped from the group loses our ends of the pipes;
 * - gone: `exited` resolves.
 */
export function start(options: StartOptions): RunningProcess {
  const startedAt = performance.now();
  // It may fail before it is joined, or when nothing was started: an `error` that nobody hears ends this process.
  options.fd3Stream?.on("error", ignoreBrokenPipe);
  const notStarted = (reason: StopReason, stderr: string): RunningProcess => {
    options.fd3Stream?.destroy();
    return gone(reason, stderr, startedAt);
  };
  if (options.signal?.aborted) return notStarted("aborted", "");

  const withFd3 =
    options.fd3Input !== undefined || options.fd3MaxOutput !== undefined || options.fd3Stream !== undefined;
  let child: ChildProcess;
  try {
    const [command, ...args] = limited(options);
    child = spawn(command, args, {
      cwd: options.cwd ?? "/",
      env: { ...options.env },
      stdio: withFd3 ? ["pipe", "pipe", "pipe", "pipe"] : ["pipe", "pipe", "pipe"],
      // A group of its own: ending only git would leave its transport helpers, hooks and pack programs alive.
      detached: true,
    });
  } catch (error) {
    return notStarted("spawn-failed", String(error));
  }
  let reason: StopReason | null = null;
  let spawnError = "";
  let hasExited = false;
  child.on("error", (error) => {
    if (child.pid !== undefined) return;
    reason ??= "spawn-failed";
    spawnError = error.message;
  });
  const { stdin, stdout, stderr } = child;
  // Node makes no pipes, and tells it by an event only, when the system has no descriptors left.
  if (!stdin || !stdout || !stderr) return notStarted("spawn-failed", "no pipes to the process");

  if (options.isBackground) giveWay(child);

  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, act: () => void): void => {
    timers.add(setTimeout(act, ms));
  };
  const stop = (why: StopReason): void => {
    if (reason !== null) return;
    reason = why;
    signalGroup(child, "SIGTERM");
    after(options.killAfterMs ?? KILL_AFTER_MS, () => signalGroup(child, "SIGKILL"));
    if (hasExited) closeAbandoned(child, true);
  };

  const tail = createTail(STDERR_TAIL_BYTES, options.onStderrLine);
  stderr.on("data", (chunk: Buffer) => tail.add(chunk));
  for (const stream of [stdin, stdout, stderr]) stream.on("error", ignoreBrokenPipe);
  const fd3 = options.fd3Stream === undefined ? attachFd3(child, options, stop) : () => Buffer.alloc(0);
  const fd3Error = options.fd3Stream === undefined ? () => null : joinFd3(child, options.fd3Stream);

  const onAbort = (): void => stop("aborted");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.timeoutMs !== undefined) after(options.timeoutMs, () => stop("timed-out"));
  if (options.idleTimeoutMs !== undefined) {
    const watched = [stdin, stdout, stderr, ...joinedFd3(child, options)];
    timers.add(watchProgress(watched, options.idleTimeoutMs, () => stop("no-progress")));
  }
  child.once("exit", () => {
    hasExited = true;
    // Nobody waits for the output of a process that we ended, and a reader that is stuck would hold us up.
    if (reason !== null) stdout.destroy();
    const lingerMs = options.lingerMs ?? LINGER_MS;
    after(lingerMs, () => {
      signalGroup(child, "SIGKILL");
      after(lingerMs, () => closeAbandoned(child, reason !== null));
    });
  });

  const exited = new Promise<Exit>((resolve) => {
    child.once("close", (exitCode, signalName) => {
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      // Whatever of the group is left by now holds no pipe of ours and has nothing left to do for us.
      signalGroup(child, "SIGKILL");
      resolve({
        exitCode: child.pid === undefined ? null : exitCode,
        signalName,
        reason,
        stderr: spawnError === "" ? tail.text() : spawnError,
        fd3: fd3(),
        fd3Error: fd3Error(),
        durationMs: performance.now() - startedAt,
      });
      options.fd3Stream?.destroy();
    });
  });
  return { stdin, stdout, exited, stop };
}

/** A shell sets the limits and becomes the process. One that the system has set lower already stays. */
const SET_LIMITS = 'ulimit -d "$1" 2>/dev/null; ulimit -f "$2" 2>/dev/null; shift 2; exec "$@"';

function limited({ command, args, limits }: StartOptions): [string, ...string[]] {
  if (limits === undefined) return [command, ...args];
  const { memoryBytes, fileBytes } = limits;
  const inUnits = (bytes: number | undefined, unit: number): string =>
    bytes === undefined ? "unlimited" : String(Math.ceil(bytes / unit));
  // POSIX: kilobytes of memory, but blocks of 512 bytes of files.
  return [
    "/bin/sh",
    "-c",
    SET_LIMITS,
    "sh",
    inUnits(memoryBytes, 1024),
    inUnits(fileBytes, 512),
    command,
    ...args,
  ];
}

/**
 * The lowest priority, at once, so that what the process starts inherits it. On Linux the disk's scheduler goes by it
 * too. A system that does not let us: then it runs like any other.
 */
function giveWay(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {}
}

/** `-pid` names the group. ESRCH: all of it is gone already. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {}
}

/**
 * A process that ends before it has read its input breaks the pipe (EPIPE), one that is killed may reset it. Neither
 * says more than the exit does.
 */
function ignoreBrokenPipe(): void {}

function attachFd3(
  child: ChildProcess,
  options: StartOptions,
  stop: (why: StopReason) => void,
): () => Buffer {
  const stream = child.stdio[3];
  if (!(stream instanceof Socket)) return () => Buffer.alloc(0);
  stream.on("error", ignoreBrokenPipe);
  const chunks: Buffer[] = [];
  const max = options.fd3MaxOutput ?? 0;
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > max) stop("output-too-large");
    else chunks.push(chunk);
  });
  // With nothing to say, our half stays open: closing it fails when the process is quick and has ended already, and
  // the failure would throw away what it wrote.
  if (options.fd3Input !== undefined) stream.end(options.fd3Input);
  return () => Buffer.concat(chunks);
}

/** The answer is what the stream has failed with, if it has. */
function joinFd3(child: ChildProcess, stream: Duplex): () => Error | null {
  let failure: Error | null = null;
  const socket = child.stdio[3];
  if (!(socket instanceof Socket)) {
    stream.destroy();
    return () => failure;
  }
  // Git is done speaking long before it is done listening.
  socket.allowHalfOpen = true;
  socket.on("error", ignoreBrokenPipe);
  if (stream.destroyed) {
    socket.destroy();
    return () => stream.errored;
  }
  stream.on("error", (error) => {
    failure = error;
    // The process sees an end in the middle, and ends with it.
    socket.destroy();
  });
  // The process has gone, or is not listening any more.
  socket.on("close", () => stream.destroy());
  socket.pipe(stream);
  stream.pipe(socket);
  return () => failure;
}

/** Of a process that speaks over descriptor 3, what moves there is a sign of life. */
function joinedFd3(child: ChildProcess, options: StartOptions): readonly Socket[] {
  const socket = child.stdio[3];
  return options.fd3Stream !== undefined && socket instanceof Socket ? [socket] : [];
}

/** Looks at byte counts rather than at events: a listener would set the streams flowing and undo back-pressure. */
function watchProgress(
  streams: readonly (Readable | Writable)[],
  idle: number | (() => number),
  onIdle: () => void,
): NodeJS.Timeout {
  const idleMs = typeof idle === "number" ? () => idle : idle;
  let seen = -1;
  let since = performance.now();
  return setInterval(
    () => {
      const moved = streams.reduce(
        (sum, s) => sum + (s instanceof Socket ? s.bytesRead + s.bytesWritten : 0),
        0,
      );
      if (moved !== seen) {
        seen = moved;
        since = performance.now();
      } else if (performance.now() - since >= idleMs()) {
        onIdle();
      }
    },
    Math.min(1_000, idleMs() / 4),
  );
}

/** Lets go of pipes whose other end escaped from the group; a reader that is only slow keeps its stream. */
function closeAbandoned(child: ChildProcess, stopped: boolean): void {
  for (const stream of child.stdio) {
    if (!(stream instanceof Socket)) continue;
    const readerIsSlow = stream === child.stdout && stream.readableLength > 0 && !stopped;
    if (!readerIsSlow) stream.destroy();
  }
}

function gone(reason: StopReason, stderr: string, startedAt: number): RunningProcess {
  const nothing = new Socket();
  nothing.on("error", ignoreBrokenPipe);
  nothing.destroy();
  const exit: Exit = {
    exitCode: null,
    signalName: null,
    reason,
    stderr,
    fd3: Buffer.alloc(0),
    fd3Error: null,
    durationMs: performance.now() - startedAt,
  };
  return { stdin: nothing, stdout: nothing, exited: Promise.resolve(exit), stop: () => {} };
}
