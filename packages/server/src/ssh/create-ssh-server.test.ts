import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2, { type ClientChannel } from "ssh2";
import { makeMemoryLog } from "../../../../test/support/git-adapter.ts";
import { waitFor } from "../../../../test/support/wait-for.ts";
import type { GitExchange } from "../app/git-exchange.ts";
import type { OpenRepository } from "../app/use-cases.ts";
import { HeliostatError } from "../domain/errors.ts";
import { keyPairs } from "../secrets/key-pairs.ts";
import { createSshServer, type SshServer } from "./create-ssh-server.ts";
import { type HostKey, openHostKeys } from "./host-keys.ts";
import type { SshDoor, SshLimits } from "./ssh-door.ts";

const ADA = { principal: { kind: "anonymous" }, keyId: 1, name: "@ada" } as const;

describe("the SSH door against clients that mean harm or are broken", () => {
  let dir: string;
  let hostKeys: readonly HostKey[];
  let privateKey: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "heliostat-test-"));
    hostKeys = await openHostKeys(join(dir, "ssh"));
    ({ privateKey } = await keyPairs.make("ed25519", ""));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  interface Stage extends AsyncDisposable {
    readonly port: number;
    readonly server: SshServer;
    readonly log: ReturnType<typeof makeMemoryLog>;
    /** Signed in, unless `key` lets nobody in. */
    connect(options?: { readonly key?: string }): Promise<ssh2.Client>;
  }

  async function openDoor(
    limits: Partial<SshLimits>,
    repository: Partial<OpenRepository> = {},
    authenticate: SshDoor["useCases"]["authenticateSshKey"] = async () => ADA,
  ): Promise<Stage> {
    const log = makeMemoryLog();
    const refuse = async () => {
      throw new HeliostatError("bug", "not expected");
    };
    const server = createSshServer({
      useCases: {
        authenticateSshKey: authenticate,
        noteSshKeyUse: async () => {},
        openRepository: async () => ({
          ...{ advertise: refuse, serve: refuse, converse: refuse },
          ...repository,
        }),
      },
      log,
      hostKeys,
      limits,
    });
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    const clients: ssh2.Client[] = [];
    return {
      port,
      server,
      log,
      async connect({ key = privateKey } = {}) {
        const client = new ssh2.Client();
        clients.push(client);
        client.on("error", () => {});
        client.connect({ host: "127.0.0.1", port, username: "git", privateKey: key });
        await once(client, "ready");
        return client;
      },
      async [Symbol.asyncDispose]() {
        for (const client of clients) client.destroy();
        await server.close();
      },
    };
  }

  function exec(client: ssh2.Client, command: string): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      client.exec(command, (error, channel) => {
        if (error) reject(error);
        else {
          channel.on("error", () => {});
          resolve(channel);
        }
      });
    });
  }

  function closed(socket: Socket): Promise<unknown> {
    socket.on("error", () => {}).resume();
    return socket.destroyed ? Promise.resolve() : once(socket, "close");
  }

  /** What the library keeps for itself. */
  function inside(of: object, ...names: readonly string[]): object {
    return names.reduce<object>((value, name) => Object(Reflect.get(value, name)), of);
  }

  test("who does not sign in in time is let go, and there are only so many of them", async () => {
    await using door = await openDoor({ signInMs: 500, strangers: 2 });
    const first = createConnection({ host: "127.0.0.1", port: door.port });
    const second = createConnection({ host: "127.0.0.1", port: door.port });
    await Promise.all([once(first, "data"), once(second, "data")]);
    await closed(createConnection({ host: "127.0.0.1", port: door.port }));
    assert.equal(first.destroyed, false);
    await Promise.all([closed(first), closed(second)]);
    const client = await door.connect();
    await sleep(800);
    // Who has signed in stays.
    assert.ok(await exec(client, "nonsense"));
  });

  test("no address has more connections than its share", async () => {
    await using door = await openDoor({ connectionsOfAddress: 2 });
    await door.connect();
    await door.connect();
    await closed(createConnection({ host: "127.0.0.1", port: door.port }));
  });

  test("there are only so many connections in all", async () => {
    await using door = await openDoor({ connections: 2 });
    const first = await door.connect();
    await door.connect();
    await closed(createConnection({ host: "127.0.0.1", port: door.port, localAddress: "127.0.0.2" }));
    const gone = once(first, "close");
    first.end();
    await gone;
    await waitFor(
      async () => {
        const socket = createConnection({ host: "127.0.0.1", port: door.port });
        const isIn = await Promise.race([
          once(socket, "data").then(() => true),
          closed(socket).then(() => false),
        ]);
        socket.destroy();
        return isIn;
      },
      { message: "the place of who went is another's" },
    );
  });

  test("who shows key after key is let go after six, and learns nothing of any", async () => {
    let asked = 0;
    await using door = await openDoor({}, {}, async () => {
      asked += 1;
      return null;
    });
    const keys = await Promise.all(Array.from({ length: 10 }, () => keyPairs.make("ed25519", "")));
    const client = new ssh2.Client();
    client.on("error", () => {});
    const left = keys.map((pair) => pair.privateKey);
    client.connect({
      ...{ host: "127.0.0.1", port: door.port, username: "git" },
      authHandler: (_left, _partial, next) => {
        const key = left.shift();
        if (key !== undefined) next({ type: "publickey", username: "git", key });
      },
    });
    await once(client, "close");
    assert.equal(asked, 6);
    assert.equal(left.length, 4);
  });

  test("a client that does not answer any more is given up, and its command ends", async () => {
    const isGone = Promise.withResolvers<void>();
    const converse = async (
      _program: string,
      _input: Readable,
      _output: Writable,
      { signal }: GitExchange,
    ): Promise<void> => {
      await once(signal, "abort");
      isGone.resolve();
    };
    await using door = await openDoor({ keepaliveMs: 100 }, { converse });
    const lively = await door.connect();
    const client = await door.connect();
    await exec(client, "git-upload-pack 'a/b'");
    // As if its cable were cut: the system still takes what we send, and nothing comes back.
    (inside(client, "_sock") as Socket).pause();
    await isGone.promise;
    // Who answers stays.
    assert.ok(await exec(lively, "nonsense"));
  });

  test("a client that opens channel after channel gets no more than its share, now and later", async () => {
    const goOn = Promise.withResolvers<void>();
    let running = 0;
    const converse = async (): Promise<void> => {
      running += 1;
      await goOn.promise;
    };
    await using door = await openDoor({}, { converse });
    const client = await door.connect();
    const tried = await Promise.allSettled(
      Array.from({ length: 300 }, () => exec(client, "git-upload-pack 'a/b'")),
    );
    const taken = tried.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    assert.equal(taken.length, 10);
    await waitFor(() => running === 10, { message: "ten run" });
    goOn.resolve();
    await Promise.all(taken.map((channel) => once(channel.resume(), "close")));
    assert.ok(await exec(client, "nonsense"));
  });

  test("a key that is removed while its connection is open opens nothing more", async () => {
    let isThere = true;
    let served = 0;
    const converse = async (): Promise<void> => {
      served += 1;
    };
    await using door = await openDoor({}, { converse }, async () => (isThere ? ADA : null));
    const client = await door.connect();
    const run = async (): Promise<readonly [unknown, string]> => {
      const channel = await exec(client, "git-upload-pack 'a/b'");
      let said = "";
      channel.resume().stderr.on("data", (text: Buffer) => {
        said += text.toString();
      });
      return [(await once(channel, "close"))[0], said];
    };
    assert.deepEqual(await run(), [0, ""]);
    isThere = false;
    assert.deepEqual(await run(), [1, "ERROR: This key lets nobody in any more.\n"]);
    assert.equal(served, 1);
  });

  test("who is told that the server is busy reads it in words", async () => {
    const converse = async (): Promise<void> => {
      throw new HeliostatError(
        "server-busy",
        "The server is busy with other clients. Try again in a moment.",
      );
    };
    await using door = await openDoor({}, { converse });
    const channel = await exec(await door.connect(), "git-upload-pack 'a/b'");
    let said = "";
    channel.resume().stderr.on("data", (text: Buffer) => {
      said += text.toString();
    });
    assert.equal((await once(channel, "close"))[0], 128);
    assert.equal(said, "ERROR: The server is busy with other clients. Try again in a moment.\n");
  });

  test("a connection has so many commands at a time, and is closed when nobody uses it", async () => {
    const goOn = Promise.withResolvers<void>();
    await using door = await openDoor(
      { sessions: 2, unusedMs: 300 },
      { converse: async () => await goOn.promise },
    );
    const client = await door.connect();
    const running = [
      await exec(client, "git-upload-pack 'a/b'"),
      await exec(client, "git-upload-pack 'a/b'"),
    ];
    await assert.rejects(exec(client, "git-upload-pack 'a/b'"), /open failure/);
    await sleep(500);
    goOn.resolve();
    const codes = running.map(async (channel) => {
      channel.resume();
      const [code] = await once(channel, "exit");
      return code;
    });
    assert.deepEqual(await Promise.all(codes), [0, 0]);
    await once(client, "close");
  });

  test("nobody makes us hold what they do not read, however wide they open the window", async () => {
    let written = 0;
    let isGone = false;
    const converse = async (
      _program: string,
      _input: Readable,
      output: Writable,
      { signal }: GitExchange,
    ): Promise<void> => {
      signal.addEventListener("abort", () => {
        isGone = true;
      });
      const chunk = Buffer.alloc(64 * 1024);
      while (!isGone && written < 200_000_000) {
        await new Promise<void>((resolve) => output.write(chunk, () => resolve()));
        written += chunk.length;
      }
    };
    await using door = await openDoor({}, { converse });
    const client = await door.connect();
    const channel = await exec(client, "git-upload-pack 'a/b'");
    const { id } = Reflect.get(channel, "outgoing") as { readonly id: number };
    const protocol = inside(client, "_protocol") as { channelWindowAdjust(id: number, by: number): void };
    protocol.channelWindowAdjust(id, 1_000_000_000);
    const socket = inside(client, "_sock") as Socket;
    await sleep(50);
    socket.pause();
    await sleep(1_000);
    const stalled = written;
    await sleep(500);
    assert.equal(written, stalled);
    // What the system holds for a connection is on top.
    assert.ok(stalled > 0 && stalled < 100_000_000, `${stalled} bytes`);
    client.destroy();
    await waitFor(() => isGone, { message: "the command is told that its client is gone" });
  });

  test("who sends more than their window is cut off", async () => {
    await using door = await openDoor({}, { converse: async () => await new Promise(() => {}) });
    const client = await door.connect();
    const channel = await exec(client, "git-upload-pack 'a/b'");
    Reflect.set(Object(Reflect.get(channel, "outgoing")), "window", 1_000_000_000);
    // Of what fits the window exactly the library drops the rest by itself.
    for (let i = 0; i < 20_000; i += 1) channel.write(Buffer.alloc(1_001));
    await new Promise<void>((resolve) => client.once("close", () => resolve()));
  });

  test("who takes no packets is cut off, instead of keeping us busy for ever", async () => {
    await using door = await openDoor({});
    const client = await door.connect();
    const protocol = inside(client, "_protocol");
    const session = Reflect.get(protocol, "session") as (...args: readonly unknown[]) => void;
    Reflect.set(protocol, "session", (channel: number, window: number) =>
      session.call(protocol, channel, window, 0),
    );
    client.exec("nonsense", () => {});
    await once(client, "close");
    assert.ok(door.server.isListening());
  });

  test("a push that came in whole is carried out when its client goes, one in the middle is not", async () => {
    for (const isWhole of [true, false]) {
      const seen: { received: number; aborted: boolean } = { received: 0, aborted: false };
      const isReading = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const isDone = Promise.withResolvers<void>();
      const serve = async (input: Readable, output: Writable, { signal }: GitExchange): Promise<void> => {
        isReading.resolve();
        await goOn.promise;
        try {
          for await (const chunk of input) seen.received += (chunk as Buffer).length;
          output.write(Buffer.alloc(1_000_000));
          await new Promise<void>((resolve) => output.end(resolve));
        } catch {
          // Destroyed in the middle.
        }
        seen.aborted = signal.aborted;
        isDone.resolve();
      };
      await using door = await openDoor({}, { advertise: async () => Buffer.from("0000"), serve });
      const client = await door.connect();
      const channel = await exec(client, "git-receive-pack 'a/b'");
      channel.resume();
      channel.write(Buffer.alloc(1_000_000, "0001"));
      if (isWhole) channel.end();
      await isReading.promise;
      await sleep(300);
      client.destroy();
      await sleep(300);
      goOn.resolve();
      await isDone.promise;
      assert.deepEqual(seen, isWhole ? { received: 1_000_000, aborted: false } : { ...seen, aborted: true });
    }
  });

  test("who has nothing to push makes nobody wait for a write", async () => {
    await using door = await openDoor({}, { advertise: async () => Buffer.from("0000") });
    const client = await door.connect();
    for (const words of ["0000", ""]) {
      const channel = await exec(client, "git-receive-pack 'a/b'");
      channel.resume();
      channel.end(words);
      assert.deepEqual((await once(channel, "exit"))[0], 0);
    }
  });

  test("a fault of ours is told without its words, and logged", async () => {
    const converse = async (): Promise<void> => {
      throw new Error("disk on fire");
    };
    await using door = await openDoor({}, { converse });
    const channel = await exec(await door.connect(), "git-upload-pack 'a/b'");
    let said = "";
    channel.resume().stderr.on("data", (text: Buffer) => {
      said += text.toString();
    });
    assert.equal((await once(channel, "close"))[0], 128);
    assert.equal(said, "ERROR: Internal error. The log of the server has more.\n");
    assert.match(String(door.log.lines), /an SSH command failed/);
  });

  test("closing lets what runs end, takes nothing new, and waits no longer than it is told to", async () => {
    const goOn = Promise.withResolvers<void>();
    const repository = { converse: async () => await goOn.promise };
    const door = await openDoor({}, repository);
    const client = await door.connect();
    const idle = await door.connect();
    const channel = await exec(client, "git-upload-pack 'a/b'");
    channel.resume();
    const exit = once(channel, "exit");
    const idleGone = once(idle, "close");
    const closing = door.server.close();
    await idleGone;
    await assert.rejects(exec(client, "git-upload-pack 'a/b'"), /open failure/);
    goOn.resolve();
    assert.equal((await exit)[0], 0);
    await closing;

    const stuck = await openDoor({ drainMs: 200 }, { converse: () => new Promise(() => {}) });
    const late = await stuck.connect();
    await exec(late, "git-upload-pack 'a/b'");
    await stuck.server.close();
  });

  test("two that start at once make one set of host keys", async () => {
    const shared = join(dir, "shared");
    const sets = await Promise.all([openHostKeys(shared), openHostKeys(shared), openHostKeys(shared)]);
    for (const set of sets) assert.deepEqual(set, sets[0]);
    assert.deepEqual((await readdir(shared)).toSorted(), ["ssh_host_ed25519_key", "ssh_host_rsa_key"]);
  });
});
