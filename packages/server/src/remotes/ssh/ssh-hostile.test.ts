import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import ssh2, { type ServerChannel } from "ssh2";
import { makeMemoryLog } from "../../../../../test/support/git-adapter.ts";
import { makeTempDir } from "../../../../../test/support/repositories.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { createRemotes } from "../remotes.ts";
import { makeKeyPair, setUpSsh } from "./ssh-stage.test-support.ts";

/** The library's parts below the channel, which keep to no rules. */
interface Wire {
  channelData(id: number, data: Buffer): void;
  channelOpenConfirm(...args: number[]): void;
}

function isWire(value: unknown): value is Wire {
  return typeof value === "object" && value !== null && "channelData" in value;
}

function wireOf(owner: object): Wire {
  const wire: unknown = Reflect.get(owner, "_protocol");
  assert.ok(isWire(wire));
  return wire;
}

/** A server that lets everybody in, and does this with each command. */
async function startHostileServer(
  t: TestContext,
  onCommand: (channel: ServerChannel, wire: Wire, id: number, socket: Socket) => void,
  onClient: (wire: Wire) => void = () => {},
) {
  const dir = await makeTempDir(t);
  const hostKey = await makeKeyPair(dir, "host");
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => context.accept());
    onClient(wireOf(client));
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec) => {
        const channel = acceptExec();
        const outgoing: unknown = Reflect.get(channel, "outgoing");
        assert.ok(typeof outgoing === "object" && outgoing !== null);
        const socket: unknown = Reflect.get(client, "_sock");
        assert.ok(socket instanceof Socket);
        onCommand(channel, wireOf(client), Number(Reflect.get(outgoing, "id")), socket);
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const limits = { idleMs: 1_000, totalMs: 20_000 };
  const remotes = createRemotes({ log: makeMemoryLog(), userAgent: "git/heliostat-test", limits });
  t.after(async () => {
    await remotes.close();
    server.close();
  });
  const [algorithm, key] = hostKey.publicKey.split(" ");
  const remote = await remotes.open(parseRemoteUrl(`ssh://git@127.0.0.1:${port}/x.git`).url, null, {
    allowLocalRequests: true,
    trust: { knownHosts: `[127.0.0.1]:${port} ${algorithm} ${key}` },
  });
  return { remotes, remote };
}

/** Of a size that no window is a multiple of: at 0 the library drops what comes, below it takes all. */
const CHUNK = Buffer.alloc(30_001, "x");
CHUNK.write("000eversion 2\n");
const FLOOD = 4_000;

test("a server that sends more than it was asked for is left", async (t) => {
  let sent = 0;
  const { remote } = await startHostileServer(t, (channel, wire, id) => {
    const flood = () => {
      for (let i = 0; i < 16 && sent < FLOOD; i += 1, sent += 1) wire.channelData(id, CHUNK);
      if (sent < FLOOD && channel.writable) setImmediate(flood);
    };
    flood();
  });
  const stream = await remote.converse?.("git-upload-pack", t.signal);
  assert.ok(stream);
  // Nobody reads it: what comes beyond the windows would stay in memory.
  const [error] = await once(stream, "error");
  assert.equal(error.code, "remote-not-ssh");
  assert.match(error.message, /sends more than it may/);
});

test("a server that takes packets of no length cannot make us loop", async (t) => {
  const { remotes, remote } = await startHostileServer(
    t,
    () => {},
    (wire) => {
      const confirm = wire.channelOpenConfirm.bind(wire);
      wire.channelOpenConfirm = (theirs = 0, ours = 0, window = 0) => confirm(theirs, ours, window, 0);
    },
  );
  await assert.rejects(remotes.listRefs(remote, { signal: t.signal }), {
    code: "remote-not-ssh",
    message: /takes no data/,
  });
});

test("what is handed to a server that does not read waits outside of our memory", async (t) => {
  const { remote } = await startHostileServer(
    t,
    (_channel, _wire, _id, socket) => socket.pause(),
    (wire) => {
      const confirm = wire.channelOpenConfirm.bind(wire);
      // A window of 2 GiB, and nobody who reads.
      wire.channelOpenConfirm = (theirs = 0, ours = 0, _window = 0, packet = 0) =>
        confirm(theirs, ours, 0x7fff_ffff, packet);
    },
  );
  const stream = await remote.converse?.("git-receive-pack", t.signal);
  assert.ok(stream);
  stream.on("error", () => {});
  let written = 0;
  while (stream.write(CHUNK) && written < FLOOD * CHUNK.length) {
    written += CHUNK.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  // What the system takes for a socket, and little more.
  assert.ok(written < 32 * 1024 * 1024, `${written} bytes`);
  stream.destroy();
});

test("a server that says nothing, or garbage, in place of Git ends the listing", async (t) => {
  for (const [say, code] of [
    [null, "remote-timeout"],
    ["this is not git\n", "remote-noise"],
    ["000eversion 2\nthis is not git\n", "remote-not-git"],
  ] as const) {
    const { remotes, remote } = await startHostileServer(t, (channel) => {
      if (say !== null) channel.write(say);
    });
    await assert.rejects(remotes.listRefs(remote, { signal: t.signal }), { code });
  }
});

test("host keys are scanned one of each type, and nobody signs in", async (t) => {
  const { peer, open, remotes } = await setUpSsh(t);
  const remote = await open(peer.urlOf("theirs.git"), { knownHosts: "", credential: null });
  const found = await remotes.scanHostKeys(remote, t.signal);
  const byName = (keys: readonly { algorithm: string; key: string }[]) =>
    keys.map(({ algorithm, key }) => `${algorithm} ${key}`).sort();
  assert.deepEqual(byName(found), byName(peer.hostKeys()));
  assert.deepEqual([...peer.accepted(), ...peer.failed()], []);
  assert.doesNotMatch(peer.log(), /user/);
  assert.equal(peer.connections(), 3);
  await peer.stop();
  await assert.rejects(remotes.scanHostKeys(remote, t.signal), { code: "remote-unreachable" });
  await assert.rejects(remotes.scanHostKeys(remote, AbortSignal.abort()), { code: "cancelled" });
});
