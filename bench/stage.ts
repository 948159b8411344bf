import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Api, createApi } from "../test/support/api.ts";
import { startServer, type TestServer } from "../test/support/server.ts";

/** What a benchmark works with; all of it is on one file system and goes with it. */
export interface Stage {
  /** For clones and the like. */
  readonly dir: string;
  /** The bare repositories that the peer serves. */
  readonly peerRoot: string;
  /** `http://127.0.0.1:<port>` of the peer: `git http-backend` behind Node. */
  readonly peerUrl: string;
  /** A server as `npm start` runs it, with its own database; the first call starts it. */
  server(): Promise<{ readonly server: TestServer; readonly api: Api }>;
}

const PEER = fileURLToPath(new URL("./peer-process.ts", import.meta.url));

/** Sets the stage for one benchmark and clears it away after, whatever happens. */
export async function onStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "heliostat-bench-"));
  const peerRoot = join(root, "peer");
  await mkdir(peerRoot);
  const peer = fork(PEER, [peerRoot]);
  let started = null as Promise<{ server: TestServer; api: Api }> | null;
  const start = async (): Promise<{ server: TestServer; api: Api }> => {
    // On the disk, beside what git is measured with: the tests' servers live in memory.
    const server = await startServer({
      database: "embedded",
      dataDir: join(root, "data"),
      env: { HELIOSTAT_LOG_LEVEL: "info" },
    });
    const api = createApi(server);
    const unhurried = { pull_mirror_min_interval_seconds: 0, push_mirror_min_interval_seconds: 0 };
    await api.put("/application/settings", unhurried);
    return { server, api };
  };
  try {
    const [peerUrl] = await once(peer, "message");
    return await work({
      dir: root,
      peerRoot,
      peerUrl: String(peerUrl),
      server: () => {
        started ??= start();
        return started;
      },
    });
  } finally {
    await started?.then(
      ({ server }) => server.stop(),
      () => {},
    );
    peer.disconnect();
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}
