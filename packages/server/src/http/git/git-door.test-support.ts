import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { GitExchange, GitService } from "../../app/git-exchange.ts";
import type { OpenRepository } from "../../app/use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { createInMemoryUseCases, SECRETS } from "../test-support/in-memory-use-cases.ts";
import { startServer } from "../test-support/start-server.ts";

export const PUBLIC = "grp/sub/public";
export const PRIVATE = "grp/private";
export const TOKEN = SECRETS.api;

const ENVIRONMENT = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.org",
  LC_ALL: "C",
};

interface GitRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a git client; its exit code is the test's to judge. */
export async function git(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<GitRun> {
  const child = spawn("git", args, {
    cwd,
    env: { ...ENVIRONMENT, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code, out, err };
}

/** All that the stream has, as text. */
export async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The same for one that must succeed; answers what it wrote. */
export async function mustGit(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const run = await git(cwd, args, env);
  assert.equal(run.code, 0, `git ${args.join(" ")}: ${run.err}`);
  return run.out;
}

/**
 * A public and a private project on disk, the door to them, and a clone in `work`; all of it is gone after the tests of
 * the file.
 */
export async function openGitDoor() {
  const children = new Set<ChildProcess>();
  let largestPush = 0;
  /** What the requests of a push after its first meet. */
  let laterRefusal: { readonly error: HeliostatError; calls: number } | null = null;

  /** The repository on disk behind git's own stateless services. */
  function openPlain(path: string, service: GitService): OpenRepository {
    const start = (exchange: GitExchange, ...args: string[]): ChildProcess => {
      const child = spawn("git", [service, "--stateless-rpc", ...args, path], {
        env: { ...ENVIRONMENT, ...(exchange.protocol === null ? {} : { GIT_PROTOCOL: exchange.protocol }) },
        stdio: ["pipe", "pipe", "ignore"],
      });
      children.add(child);
      child.once("close", () => children.delete(child));
      exchange.signal.addEventListener("abort", () => child.kill("SIGKILL"));
      return child;
    };
    return {
      converse: async () => {},
      advertise: async (exchange) => {
        const { stdout } = start(exchange, "--http-backend-info-refs");
        assert.ok(stdout);
        return stdout;
      },
      serve: async (input, output, exchange) => {
        const child = start(exchange);
        assert.ok(child.stdin && child.stdout);
        let received = 0;
        input.on("data", (chunk: Buffer) => {
          received += chunk.length;
          if (service === "receive-pack") largestPush = Math.max(largestPush, received);
        });
        const closed = once(child, "close");
        // git may end without reading all it was sent.
        const sent = pipeline(input, child.stdin).catch(() => {});
        await pipeline(child.stdout, output);
        await sent;
        const [code] = await closed;
        if (exchange.signal.aborted) throw new HeliostatError("cancelled", "aborted");
        if (code !== 0) throw new HeliostatError("git-failed", `git ended with ${code}`);
      },
    };
  }

  const folder = await mkdtemp(join(tmpdir(), "http-git-"));
  const work = join(folder, "work");
  for (const name of ["public", "private"]) {
    await mustGit(folder, ["init", "-q", "--bare", "--initial-branch=main", `${name}.git`]);
  }
  await mustGit(folder, ["init", "-q", "--initial-branch=main", "work"]);
  // 3,000 commits made in one process: enough that a later fetch sends its haves compressed.
  const stream = Array.from(
    { length: 3000 },
    (_, i) => `commit refs/heads/main\ncommitter A <a@example.org> ${1_700_000_000 + i} +0000\ndata 1\nx\n`,
  ).join("");
  const load = spawn("git", ["fast-import", "--quiet"], {
    cwd: work,
    env: ENVIRONMENT,
    stdio: ["pipe", "ignore", "inherit"],
  });
  load.stdin.end(stream);
  await once(load, "close");
  await mustGit(work, ["push", "-q", join(folder, "public.git"), "main"]);
  await mustGit(work, ["push", "-q", join(folder, "private.git"), "main"]);
  const useCases = createInMemoryUseCases({
    openRepository: async (principal, fullPath, service) => {
      const known = fullPath === PUBLIC || fullPath === PRIVATE;
      const isOpen = fullPath === PUBLIC && service === "upload-pack";
      if (principal.kind === "anonymous" && !isOpen) throw new HeliostatError("unauthenticated", "Sign in.");
      if (!known)
        throw new HeliostatError("not-found", "The project you were looking for could not be found.");
      if (laterRefusal !== null && ++laterRefusal.calls > 1) throw laterRefusal.error;
      if (principal.kind === "user" && principal.user.id === 2 && service === "receive-pack") {
        throw new HeliostatError("forbidden", "You are not allowed to push code to this project.");
      }
      return openPlain(join(folder, fullPath === PUBLIC ? "public.git" : "private.git"), service);
    },
  });
  const server = await startServer(useCases, {
    settings: { externalUrl: "http://x" },
    limits: { fetchRequestBytes: 2 * 1024 * 1024, drainTimeoutMs: 1000 },
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  function urlOf(fullPath: string, userinfo = ""): string {
    return `http://${userinfo === "" ? "" : `${userinfo}@`}127.0.0.1:${server.port}/${fullPath}`;
  }

  let lastTarget = 0;
  function target(): string {
    lastTarget += 1;
    return join(folder, `clone-${lastTarget}`);
  }

  async function commitBytes(name: string, bytes: number): Promise<void> {
    await writeFile(join(work, name), randomBytes(bytes));
    await mustGit(work, ["add", name]);
    await mustGit(work, ["commit", "-q", "-m", name]);
  }

  function post(fullPath: string, service: GitService, headers: Record<string, string>, body: Buffer) {
    return server.ask("POST", `/${fullPath}/git-${service}`, {
      headers: { "content-type": `application/x-git-${service}-request`, ...headers },
      body,
    });
  }

  async function untilNoChildren(): Promise<void> {
    for (let i = 0; i < 200 && children.size > 0; i += 1) await sleep(20);
    assert.equal(children.size, 0);
  }

  return {
    folder,
    work,
    server,
    children,
    openPlain,
    urlOf,
    target,
    commitBytes,
    post,
    untilNoChildren,
    /** Of bytes, over all pushes so far. */
    largestPush: () => largestPush,
    /** Has every request of a push but its first meet this; null: none any more. */
    refuseLater(error: HeliostatError | null): void {
      laterRefusal = error === null ? null : { error, calls: 0 };
    },
  };
}
