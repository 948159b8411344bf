import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createInMemoryUseCases, SECRETS } from "./test-support/in-memory-use-cases.ts";
import { type RunningServer, startServer } from "./test-support/start-server.ts";

const LIMITS = { unreadBodyMs: 300, unreadBodyBytes: 64 * 1024 };

let server: RunningServer;

before(async () => {
  server = await startServer(createInMemoryUseCases(), { limits: LIMITS });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

interface Talk {
  readonly socket: Socket;
  answer(): string;
  /** Until the server has let go of the connection in both directions. */
  readonly isOver: Promise<unknown>;
}

async function talk(head: string): Promise<Talk> {
  const socket = connect({ host: "127.0.0.1", port: server.port, allowHalfOpen: true });
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  const isOver = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  socket.write(`${head}\r\nHost: x\r\n`);
  return { socket, answer: () => answer, isOver };
}

const SIZED = "Content-Length: 400000000\r\n\r\n";
const WAYS: readonly string[] = [
  "POST /nosuch HTTP/1.1",
  "GET /api/v4/sign_in_options HTTP/1.1",
  "POST /x/y.git/git-receive-pack HTTP/1.1\r\nContent-Type: application/x-git-receive-pack-request",
  "GET /x/y.git/info/refs?service=git-upload-pack HTTP/1.1",
  "GET /-/health HTTP/1.1",
  "DELETE /-/session HTTP/1.1",
  "GET /users/auth/oidc HTTP/1.1",
];

describe("a body that nobody reads", () => {
  for (const head of WAYS) {
    it(`that drips in is cut soon after the answer: ${head.split(" ", 2).join(" ")}`, async () => {
      const { socket, answer, isOver } = await talk(head);
      socket.write(SIZED);
      const drip = setInterval(() => socket.write("x"), 20);
      await isOver;
      clearInterval(drip);
      assert.match(answer(), /^HTTP\/1\.1 [2-5]\d\d /);
      assert.match(answer(), /^connection: close\r$/im);
    });
  }

  it("that pours in is not taken in, and the answer is there to be read", async () => {
    const { socket, answer, isOver } = await talk("POST /nosuch HTTP/1.1");
    socket.write(SIZED);
    const block = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const pour = (): void => {
      while (!socket.destroyed && sent < 400_000_000) {
        sent += block.length;
        if (!socket.write(block)) break;
      }
    };
    socket.on("drain", pour);
    pour();
    await isOver;
    assert.match(answer(), /^HTTP\/1\.1 404 /);
    // What the kernel holds for both sides is not ours to bound.
    assert(sent < 40 * 1024 * 1024, `sent ${sent}`);
  });

  it("is read where it comes in whole, and the connection is good for the next request", async () => {
    const { socket, answer } = await talk("POST /nosuch HTTP/1.1");
    socket.write("Content-Length: 5\r\n\r\nhello");
    while (!answer().includes("404")) await sleep(5);
    assert.doesNotMatch(answer(), /^connection: close\r$/im);
    socket.write(`GET /api/v4/user HTTP/1.1\r\nHost: x\r\nPRIVATE-TOKEN: ${SECRETS.api}\r\n\r\n`);
    while (!answer().includes("HTTP/1.1 200")) await sleep(5);
    socket.destroy();
  });
});
