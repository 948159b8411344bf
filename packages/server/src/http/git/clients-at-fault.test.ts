import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenRepository } from "../../app/use-cases.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { createInMemoryUseCases } from "../test-support/in-memory-use-cases.ts";
import { type RunningServer, startServer } from "../test-support/start-server.ts";
import { mustGit, openGitDoor, PRIVATE, PUBLIC, TOKEN, text } from "./git-door.test-support.ts";

const { folder, work, server, children, openPlain, commitBytes, untilNoChildren } = await openGitDoor();

describe("git over HTTP with somebody at fault", () => {
  test("a client that is killed in the middle of a push leaves no process and no error", async () => {
    await untilNoChildren();
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /${PRIVATE}/git-receive-pack HTTP/1.1\r\nHost: x\r\nPrivate-Token: ${TOKEN}\r\n` +
        "Content-Type: application/x-git-receive-pack-request\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n00a0\r\n",
    );
    while (children.size === 0) await sleep(10);
    const before = server.log.length;
    socket.destroy();
    await untilNoChildren();
    await sleep(50);
    const lines = server.log.slice(before);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields["clientGone"]]),
      [["info", true]],
    );
  });

  test("a client that stops reading is waited for, not buffered; when it goes, git goes", async () => {
    await untilNoChildren();
    // Its pack is far larger than all buffers on the way.
    await commitBytes("large", 8 * 1024 * 1024);
    await mustGit(work, ["push", "-q", join(folder, "private.git"), "main"]);
    const big = join(folder, "big");
    await mustGit(folder, ["clone", "-q", join(folder, "private.git"), big]);
    const tip = (await mustGit(work, ["rev-parse", "main"])).trim();
    const line = (payload: string) => (payload.length + 4).toString(16).padStart(4, "0") + payload;
    const body = `${line(`want ${tip} side-band-64k ofs-delta\n`)}0000${line("done\n")}`;
    const request = httpRequest({
      host: "127.0.0.1",
      port: server.port,
      method: "POST",
      path: `/${PRIVATE}/git-upload-pack`,
      headers: { "content-type": "application/x-git-upload-pack-request", "private-token": TOKEN },
      agent: false,
    });
    request.end(body);
    const [response] = await once(request, "response");
    response.pause();
    await sleep(300);
    assert.equal(children.size, 1);
    request.destroy();
    await untilNoChildren();
  });

  test("git that ends before it has read everything is no error, and the connection lives on", async () => {
    const repository: OpenRepository = {
      converse: async () => {},
      advertise: async () => Buffer.from("0000"),
      serve: async (input, output) => {
        await once(input, "readable");
        // What a pipeline to a closed pipe does to its source.
        input.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
        await sleep(20);
        output.end("0008NAK\n");
      },
    };
    await using server = await startServer(
      createInMemoryUseCases({ openRepository: async () => repository }),
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    for (const service of ["upload-pack", "receive-pack", "upload-pack"]) {
      const request = httpRequest({
        host: "127.0.0.1",
        port: server.port,
        method: "POST",
        path: `/${PUBLIC}/git-${service}`,
        headers: { "content-type": `application/x-git-${service}-request` },
        agent,
      });
      request.end(Buffer.alloc(700_000));
      const [response] = await once(request, "response");
      assert.equal(response.statusCode, 200);
      assert.equal(await text(response), "0008NAK\n");
      sockets.add(request.socket);
    }
    agent.destroy();
    assert.equal(sockets.size, 1);
  });

  test("an exchange in which nothing moves is cut", async () => {
    await using slow = await startServer(
      createInMemoryUseCases({
        openRepository: async (_principal, _path, service) => openPlain(join(folder, "public.git"), service),
      }),
      { limits: { gitIdleTimeoutMs: 200 } },
    );
    const socket = connect(slow.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /${PUBLIC}/git-upload-pack HTTP/1.1\r\nHost: x\r\n` +
        "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 400\r\n\r\n0032",
    );
    await once(socket.resume(), "close");
    await untilNoChildren();
  });

  /** A server that waits moments for what the door waits minutes for. */
  async function startHasty(path: string): Promise<RunningServer> {
    const useCases = createInMemoryUseCases({
      openRepository: async (_principal, _path, service) => openPlain(join(folder, path), service),
    });
    return await startServer(useCases, { limits: { gitFetchPaceMs: 300, gitPushPaceMs: 300 } });
  }

  for (const service of ["upload-pack", "receive-pack"]) {
    test(`a client that sends what it asks ${service} by drips is cut, though something always moves`, async () => {
      await untilNoChildren();
      await using hasty = await startHasty("public.git");
      const socket = connect(hasty.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(
        `POST /${PUBLIC}/git-${service} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-${service}-request\r\n` +
          "Content-Length: 65520\r\n\r\nfff0",
      );
      const drips = setInterval(() => socket.write("x"), 20).unref();
      let answer = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        answer += chunk;
      });
      await once(socket, "close");
      clearInterval(drips);
      assert.match(answer, /^HTTP\/1\.1 408 .*too slowly/s);
      await untilNoChildren();
    });
  }

  test("a client that reads its answer by drips is cut, and git with it", async () => {
    await untilNoChildren();
    await using hasty = await startHasty("private.git");
    // Far larger than all buffers on the way.
    await commitBytes("drips", 16 * 1024 * 1024);
    await mustGit(work, ["push", "-q", join(folder, "private.git"), "HEAD:refs/heads/drips"]);
    const tip = (await mustGit(join(folder, "private.git"), ["rev-parse", "drips"])).trim();
    const line = (payload: string) => (payload.length + 4).toString(16).padStart(4, "0") + payload;
    const body = `${line(`want ${tip} side-band-64k ofs-delta\n`)}0000${line("done\n")}`;
    const socket = connect(hasty.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /${PRIVATE}/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-upload-pack-request\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, "readable");
    assert.equal(children.size, 1);
    const drips = setInterval(() => socket.read(1), 20).unref();
    // git may take a while until it sends so much that somebody has to wait.
    for (let i = 0; i < 1000 && children.size > 0; i += 1) await sleep(20);
    assert.equal(children.size, 0);
    clearInterval(drips);
    socket.destroy();
  });

  test("an error after the first byte ends the connection, one before it is told", async () => {
    let repository: OpenRepository = openPlain("unset", "upload-pack");
    await using broken = await startServer(
      createInMemoryUseCases({ openRepository: async () => repository }),
    );
    const failing = async function* () {
      yield Buffer.from("0008NAK\n");
      await sleep(10);
      throw new Error("disk on fire");
    };
    repository = {
      converse: async () => {},
      advertise: async () => {
        throw new HeliostatError("repository-corrupt", "object 1234 is broken");
      },
      serve: (_input, output) => pipeline(Readable.from(failing()), output),
    };
    const before = await broken.ask("GET", `/${PUBLIC}/info/refs?service=git-upload-pack`);
    assert.equal(before.status, 500);
    assert.equal(
      before.text,
      `Internal error. The log has more under request ${before.headers["x-request-id"]}.\n`,
    );
    await assert.rejects(
      broken.ask("POST", `/${PUBLIC}/git-upload-pack`, {
        headers: { "content-type": "application/x-git-upload-pack-request" },
        body: "0000",
      }),
      /aborted|ECONNRESET/,
    );
    assert.equal(broken.log.filter(({ level }) => level === "error").length, 2);
  });
});
