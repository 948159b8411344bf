import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { EmbeddedConnection } from "../../packages/server/src/db/embedded/start-embedded-postgres.ts";

interface ProcessEvent {
  readonly event: "log" | "ready" | "failed";
  readonly message: string;
  readonly code: string | null;
  readonly account?: string;
  readonly connection: EmbeddedConnection;
  readonly version: string;
  readonly isAdopted: boolean;
}

export interface EmbeddedProcess {
  readonly child: ChildProcess;
  readonly logged: readonly ProcessEvent[];
  /** The `ready` or `failed` event; rejects when the process ends without one. */
  readonly outcome: Promise<ProcessEvent>;
  /** Sends the command and waits for the end. */
  send(command: "stop" | "exit"): Promise<void>;
  /** Ends it as a power cut would, and waits for that. */
  killHard(): Promise<void>;
}

/**
 * Starts `embedded-postgres-process.ts` on this data directory. `prefix` stands before the command, such as
 * `["unshare", …]`; `inheritedPipe` is the number of a further descriptor to give it.
 */
export function startEmbeddedProcess(
  dataDir: string,
  options: {
    prefix?: readonly string[];
    env?: Readonly<Record<string, string>>;
    inheritedPipe?: number;
  } = {},
): EmbeddedProcess {
  const script = fileURLToPath(new URL("embedded-postgres-process.ts", import.meta.url));
  const [command = "", ...args] = [...(options.prefix ?? []), process.execPath, script, dataDir];
  const stdio: ("pipe" | "ignore")[] = ["pipe", "pipe", "pipe"];
  if (options.inheritedPipe !== undefined) {
    while (stdio.length < options.inheritedPipe) stdio.push("ignore");
    stdio.push("pipe");
  }
  const child = spawn(command, args, { env: { ...process.env, ...options.env }, stdio });
  const ended = once(child, "close");
  const logged: ProcessEvent[] = [];
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const outcome = new Promise<ProcessEvent>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error(`ended without an outcome: ${errors}`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event: ProcessEvent = JSON.parse(line);
      if (event.event === "log") logged.push(event);
      else resolve(event);
    });
  });
  // Some tests kill it before there is one.
  outcome.catch(() => {});
  return {
    child,
    logged,
    outcome,
    send: async (text) => {
      child.stdin?.write(text);
      await ended;
    },
    killHard: async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
