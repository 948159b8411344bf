import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import ssh2, { type Connection, type ServerChannel } from "ssh2";
import { makeTempDir } from "../../../../../test/support/repositories.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import type { RemoteAccess } from "../../app/ports.ts";
import { parseRemoteUrl } from "../../domain/remote-url.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { openSocket } from "../open-socket.ts";
import { createSshConnections } from "./ssh-connections.ts";
import { makeKeyPair } from "./ssh-stage.test-support.ts";

/** A server that lets everybody in; `onCommand` says what becomes of a command of the n-th connection. */
async function setUp(
  t: TestContext,
  onCommand: (accept: () => void, hangUp: () => void, nth: number) => void,
) {
  const hostKey = await makeKeyPair(await makeTempDir(t), "host");
  const open = new Set<Connection>();
  const channels = new Set<ServerChannel>();
  let count = 0;
  const server = new ssh2.Server({ hostKeys: [hostKey.privateKey] }, (client) => {
    count += 1;
    const nth = count;
    open.add(client);
    client.on("error", () => {});
    client.on("close", () => open.delete(client));
    client.on("authentication", (context) => context.accept());
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec) => {
        const socket: unknown = Reflect.get(client, "_sock");
        assert.ok(socket instanceof Socket);
        onCommand(
          () => {
            const channel = acceptExec();
            channels.add(channel);
            // It tells its close after its end, which somebody has to read.
            channel.resume().on("close", () => channels.delete(channel));
            channel.write("hello");
          },
          () => socket.destroy(),
          nth,
        );
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const client of open) client.end();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const [algorithm, key] = hostKey.publicKey.split(" ");
  const remote: RemoteAccess = {
    url: parseRemoteUrl(`ssh://git@127.0.0.1:${port}/x.git`).url,
    credential: null,
    address: "127.0.0.1",
    trust: { knownHosts: `[127.0.0.1]:${port} ${algorithm} ${key}` },
  };
  const connections = createSshConnections({
    limits: DEFAULT_LIMITS,
    openSocket: (route, options) =>
      openSocket(route, { ...options, proxyContext: () => assert.fail("no proxy") }),
  });
  t.after(() => connections.close());
  return { remote, connections, open, channels, count: () => count };
}

test("what a kept connection dies under shares one new connection, and nothing outlives the close", async (t) => {
  let isSecond = false;
  let asked = 0;
  const stage = await setUp(t, (accept, hangUp, nth) => {
    if (nth > 1 || !isSecond) return accept();
    asked += 1;
    if (asked === 2) hangUp();
  });
  const { remote, connections, open, count } = stage;
  const options = { signal: t.signal, isTransfer: false };
  const first = await connections.run(remote, "x", options);
  first.release();
  await once(first.channel, "close");
  isSecond = true;
  const both = await Promise.all([1, 2].map(() => connections.run(remote, "x", options)));
  assert.equal(count(), 2);
  assert.equal(new Set(both.map(({ connection }) => connection)).size, 1);
  await connections.close();
  await waitFor(() => open.size === 0, { message: "connections outlive the close" });
  for (const { connection } of both) assert.equal(connection.failure()?.code, "cancelled");
});

test("a channel that comes when nobody waits for it any more is closed, and counts until then", async (t) => {
  const held: (() => void)[] = [];
  const { remote, connections, channels, count } = await setUp(t, (accept, _hangUp, nth) => {
    if (nth === 1) held.push(accept);
    else accept();
  });
  const stopping = new AbortController();
  const late = connections.run(remote, "x", { signal: stopping.signal, isTransfer: true });
  late.catch(() => {});
  await waitFor(() => held.length > 0, { message: "no command" });
  stopping.abort();
  await assert.rejects(late, { code: "cancelled" });
  // A transfer takes no connection that has a channel.
  const transfer = { signal: t.signal, isTransfer: true };
  const elsewhere = await connections.run(remote, "x", transfer);
  assert.equal(count(), 2);
  for (const accept of held.splice(0)) accept();
  assert.equal(channels.size, 2);
  await waitFor(() => channels.size === 1, { message: "the late channel stays open" });
  elsewhere.release();
});
