import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2, { type ClientChannel } from "ssh2";
import { makeGit, makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { makeNoise } from "../../../../test/support/incompressible.ts";
import { endGroup, git, makeRepository, makeTempDir } from "../../../../test/support/repositories.ts";
import { sshClient } from "../../../../test/support/ssh-client.ts";
import { makeKey } from "../../../../test/support/ssh-keygen.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { GitExchange } from "../app/git-exchange.ts";
import { createClientQueue } from "../app/repositories/client-queue.ts";
import { serveInTurn } from "../app/repositories/serve-in-turn.ts";
import type { OpenRepository } from "../app/use-cases.ts";
import { serveConversation } from "../git/serve-conversation.ts";
import { keyPairs } from "../secrets/key-pairs.ts";
import { systemClock } from "../system-clock.ts";
import { createSshServer, type SshServer } from "./create-ssh-server.ts";
import { type HostKey, openHostKeys } from "./host-keys.ts";
import type { SshLimits } from "./ssh-door.ts";

const ADA = { principal: { kind: "anonymous" }, keyId: 1, name: "@ada" } as const;
/** Far more than what the connection, and both ends of it, hold. */
const PACK_BYTES = 24 * 1024 * 1024;

const directory = await makeTempDir({ after });

describe("a client over SSH that does not keep pace", { timeout: 30_000 }, () => {
  let hostKeys: readonly HostKey[];
  let repository: string;
  let tip: string;

  before(async () => {
    hostKeys = await openHostKeys(join(directory, "ssh"));
    repository = await makeRepository(join(directory, "large.git"));
    await makeNoise(repository, PACK_BYTES);
    tip = (await git(repository, ["rev-parse", "main"])).trim();
  });

  interface Stage extends AsyncDisposable {
    readonly port: number;
    readonly server: SshServer;
    readonly log: ReturnType<typeof makeMemoryLog>;
    readonly served: () => number;
  }

  /** The door with a line of clients as the server has it, and one repository. */
  async function openDoor(limits: Partial<SshLimits>, given: Partial<OpenRepository>): Promise<Stage> {
    const queue = createClientQueue(systemClock, { places: 2, waiting: 2, patienceMs: 10_000 });
    const log = makeMemoryLog();
    const refuse = async (): Promise<never> => assert.fail("not expected");
    const opened = { advertise: refuse, serve: refuse, converse: refuse, ...given };
    const server = createSshServer({
      useCases: {
        authenticateSshKey: async () => ADA,
        noteSshKeyUse: async () => {},
        openRepository: async (principal) => serveInTurn(queue, principal, opened),
      },
      log,
      hostKeys,
      limits,
    });
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    return {
      port,
      server,
      log,
      served: () => queue.count("packs").served + queue.count("refs").served,
      [Symbol.asyncDispose]: () => server.close(),
    };
  }

  const fromGit: Pick<OpenRepository, "converse"> = {
    converse: (program, input, output, exchange) =>
      serveConversation(makeGit(), repository, program, exchange, input, output),
  };

  function request(): string {
    const line = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;
    return `${line(`want ${tip} side-band-64k ofs-delta\n`)}0000${line("done\n")}`;
  }

  test("OpenSSH that is not read from is cut off, git ends, and its place is free", async () => {
    await using door = await openDoor({ gitFetchPaceMs: 1_000 }, fromGit);
    const knownHosts = join(directory, "known_hosts");
    const lines = hostKeys.map(({ algorithm, key }) => `[127.0.0.1]:${door.port} ${algorithm} ${key}\n`);
    await writeFile(knownHosts, lines.join(""));
    const client = sshClient(await makeKey(directory, "ada", "-t", "ed25519"), knownHosts);
    const child = client.start(["-p", String(door.port), "git@127.0.0.1", "git-upload-pack 'a/b'"]);
    try {
      const ended = once(child, "exit");
      child.stdin?.on("error", () => {});
      child.stdin?.write(request());
      await waitFor(() => door.served() === 1, { message: "it is served" });
      // Nobody reads what ssh writes: it stops reading from us, and goes on giving signs of life.
      const [code] = await ended;
      assert.equal(code, 255);
      await waitFor(() => door.served() === 0, { message: "its place is free" });
      assert.match(String(door.log.lines), /"refusal":"the client takes the answer too slowly"/);
      assert.doesNotMatch(String(door.log.lines), /failed/);
    } finally {
      endGroup(child);
    }
  });

  test("one that reads slowly, but in pace, gets all of it", async () => {
    await using door = await openDoor({ gitFetchPaceMs: 2_000 }, fromGit);
    await using client = await connect(door.port);
    const channel = await exec(client, "git-upload-pack 'a/b'");
    channel.write(request());
    let received = 0;
    channel.on("data", (chunk: Buffer) => {
      received += chunk.length;
      // In all it takes longer than the pace allows for one piece.
      channel.pause();
      setTimeout(() => channel.resume(), 5);
    });
    const [[code]] = await Promise.all([once(channel, "exit"), once(channel, "end")]);
    assert.equal(code, 0);
    assert(received > PACK_BYTES);
    await waitFor(() => door.served() === 0, { message: "its place is free" });
  });

  test("what git has said when it ended holds no place for one that does not read it", async () => {
    // More than what the client takes unread.
    const bytes = 6 * 1024 * 1024;
    const converse = async (_program: string, _input: Readable, output: Writable): Promise<void> => {
      output.end(Buffer.alloc(bytes));
      await once(output, "close");
    };
    await using door = await openDoor({ gitFetchPaceMs: 300 }, { converse });
    await using client = await connect(door.port);
    const channel = await exec(client, "git-upload-pack 'a/b'");
    channel.pause();
    await once(client.client, "close");
    await waitFor(() => door.served() === 0, { message: "its place is free" });
  });

  for (const program of ["upload-pack", "receive-pack"]) {
    test(`one that asks ${program} by drips is told so, though something always moves`, async () => {
      const serve = async (input: Readable, _output: Writable, { signal }: GitExchange): Promise<void> => {
        input.resume();
        await once(signal, "abort");
        throw signal.reason;
      };
      await using door = await openDoor(
        { gitPushPaceMs: 300 },
        {
          advertise: async () => Buffer.from("0000"),
          serve,
          converse: (_program, input, output, exchange) => serve(input, output, exchange),
        },
      );
      await using client = await connect(door.port);
      const channel = await exec(client, `git-${program} 'a/b'`);
      let said = "";
      channel.resume().stderr.on("data", (text: Buffer) => {
        said += text.toString();
      });
      channel.write("00a0");
      const drips = setInterval(() => channel.writable && channel.write("x"), 20);
      const [code] = await once(channel, "exit");
      clearInterval(drips);
      assert.equal(code, 128);
      await waitFor(() => said !== "", { message: "it is told why" });
      assert.equal(said, "ERROR: You send too slowly. Try again.\n");
      await waitFor(() => door.served() === 0, { message: "its place is free" });
    });
  }

  test("one that only listens to what git says is waited for, and so is one that thinks before it pushes", async () => {
    const converse = async (_program: string, _input: Readable, output: Writable): Promise<void> => {
      for (let i = 0; i < 10; i += 1) {
        output.write(".");
        await sleep(80);
      }
    };
    await using door = await openDoor(
      { gitPushPaceMs: 300 },
      { converse, advertise: async () => Buffer.from("0000") },
    );
    await using client = await connect(door.port);
    const listening = await exec(client, "git-upload-pack 'a/b'");
    listening.resume();
    assert.equal((await once(listening, "exit"))[0], 0);
    const thinking = await exec(client, "git-receive-pack 'a/b'");
    thinking.resume();
    await sleep(700);
    thinking.end("0000");
    assert.equal((await once(thinking, "exit"))[0], 0);
  });
});

async function connect(port: number): Promise<AsyncDisposable & { readonly client: ssh2.Client }> {
  const client = new ssh2.Client();
  client.on("error", () => {});
  const { privateKey } = await keyPairs.make("ed25519", "");
  client.connect({ host: "127.0.0.1", port, username: "git", privateKey });
  await once(client, "ready");
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
    },
  };
}

function exec({ client }: { readonly client: ssh2.Client }, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) reject(error);
      else resolve(channel.on("error", () => {}));
    });
  });
}
