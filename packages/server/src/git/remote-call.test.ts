import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { makeGit, openRemote } from "../../../../test/support/git-adapter.ts";
import { prepareRemoteCall } from "./remote-call.ts";

const signal = new AbortController().signal;

async function listRemote(url: string, address: string): Promise<void> {
  const { url: target, ...call } = prepareRemoteCall(openRemote(url, { address }), { signal });
  await makeGit().run({ ...call, args: ["ls-remote", "--", target] });
}

async function listenHttp(t: { after(clean: () => void): void }, host: string) {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.writeHead(404).end();
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => server.close());
  return { hosts, port: (server.address() as AddressInfo).port };
}

test("a connection goes to the address that was checked and asks for the URL's host", async (t) => {
  const { hosts, port } = await listenHttp(t, "127.0.0.1");
  // No resolver knows these names: only the pin leads to the server.
  for (const host of ["pinned.invalid", "PINNED.invalid", "pinned.invalid."]) {
    await assert.rejects(
      listRemote(`http://${host}:${port}/a.git`, "127.0.0.1"),
      { code: "remote-not-found" },
      host,
    );
  }
  assert.equal(hosts.length, 3);
  assert.match(hosts.join(), /^pinned\.invalid:\d+,PINNED\.invalid:\d+,/i);
});

test("a name that now resolves elsewhere still leads to the checked address", async (t) => {
  const { hosts, port } = await listenHttp(t, "127.0.0.1");
  for (const host of ["localhost", "localhost."]) {
    await assert.rejects(
      listRemote(`http://${host}:${port}/a.git`, "127.0.0.2"),
      { code: "remote-unreachable" },
      host,
    );
  }
  assert.deepEqual(hosts, []);
});

test("IPv6 addresses are pinned too", async (t) => {
  const { hosts, port } = await listenHttp(t, "::1").catch(() => ({ hosts: null, port: 0 }));
  if (hosts === null) return t.skip("no IPv6 here");
  await assert.rejects(listRemote(`http://pinned.invalid:${port}/a.git`, "::1"), {
    code: "remote-not-found",
  });
  await assert.rejects(listRemote(`http://[::1]:${port}/a.git`, "::1"), { code: "remote-not-found" });
  assert.equal(hosts.length, 2);
  return undefined;
});

test("git:// goes to the checked address and names the host as the URL does", async (t) => {
  const requests: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    let request = "";
    socket.on("data", (data) => {
      request += data.toString();
      // Length and rest may come apart.
      if (!request.includes("\0host=") || !request.endsWith("\0")) return;
      requests.push(request);
      socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await assert.rejects(listRemote(`git://pinned.invalid:${port}/some/a.git`, "127.0.0.1"), {
    code: "remote-closed",
  });
  assert.match(
    requests[0] ?? "",
    new RegExp(`^....git-upload-pack /some/a.git\\0host=pinned.invalid:${port}\\0`),
  );
});

test("no proxy, no redirect and no unchecked address", async (t) => {
  const remote = { ...openRemote("http://example.com/a.git"), address: null };
  assert.throws(() => prepareRemoteCall(remote, { signal }), { code: "bug" });
  assert.throws(() => prepareRemoteCall(openRemote("ssh://git@example.com/a"), { signal }), { code: "bug" });
  let isReached = false;
  const target = createServer((_request, response) => {
    isReached = true;
    response.end();
  }).listen(0, "127.0.0.1");
  await once(target, "listening");
  t.after(() => target.close());
  const redirecting = createServer((_request, response) => {
    response
      .writeHead(302, { Location: `http://127.0.0.1:${(target.address() as AddressInfo).port}/b.git` })
      .end();
  }).listen(0, "127.0.0.1");
  await once(redirecting, "listening");
  t.after(() => redirecting.close());
  const { port } = redirecting.address() as AddressInfo;
  await assert.rejects(listRemote(`http://127.0.0.1:${port}/a.git`, "127.0.0.1"), {
    code: "remote-redirects",
  });
  assert.equal(isReached, false);
});
