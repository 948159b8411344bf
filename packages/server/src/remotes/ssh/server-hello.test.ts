import assert from "node:assert/strict";
import { test } from "node:test";
import { createServerHello } from "./server-hello.ts";

function nameList(names: string): Buffer {
  const bytes = Buffer.alloc(4 + names.length, names, "latin1");
  bytes.copyWithin(4, 0, names.length);
  bytes.writeUInt32BE(names.length, 0);
  return bytes;
}

/** A KEXINIT packet with these lists. */
function kexinit(...lists: string[]): Buffer {
  const payload = Buffer.concat([
    Buffer.from([20]),
    Buffer.alloc(16),
    ...lists.map(nameList),
    Buffer.alloc(5),
  ]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length + 1 + 4, 0);
  head[4] = 4;
  return Buffer.concat([head, payload, Buffer.alloc(4)]);
}

const LISTS = ["kex-a,kex-b", "host-a,host-b", "c2s", "s2c,s2c-b", "mac-c", "mac-s", "none", "none", "", ""];
const IDENTIFICATION = Buffer.from("SSH-2.0-Some_1.0 with a comment\r\n");

test("the lists of a server are read, whatever pieces they come in and whatever lines come before", () => {
  const noise = Buffer.from("Welcome\r\n\r\nSSHnot\nlast words\r\n");
  const bytes = Buffer.concat([noise, IDENTIFICATION, kexinit(...LISTS), Buffer.from("encrypted")]);
  for (const size of [1, 2, 7, 64, bytes.length]) {
    const hello = createServerHello("example.com");
    for (let at = 0; at < bytes.length; at += size) hello.push(bytes.subarray(at, at + size));
    assert.equal(hello.hasIdentified(), true);
    assert.equal(hello.lastWords(), "last words");
    assert.deepEqual(hello.lists(), {
      kex: ["kex-a", "kex-b"],
      hostKeys: ["host-a", "host-b"],
      ciphers: ["s2c", "s2c-b"],
      macs: ["mac-s"],
    });
  }
});

test("what can be no SSH server is refused", () => {
  const refused = [
    ["HTTP/1.1 400 Bad Request\r\n", /web server/],
    ["SSH-1.5-old\r\n", /version of SSH/],
    ["SSH-\r\n", /version of SSH/],
    ["x".repeat(33 * 1024), /something else/],
    ["x\n".repeat(17 * 1024), /something else/],
  ] as const;
  for (const [text, message] of refused) {
    const hello = createServerHello("example.com");
    assert.throws(() => hello.push(Buffer.from(text)), { code: "remote-not-ssh", message });
  }
});

test("what is no list makes none, and costs nothing", () => {
  const cut = kexinit(...LISTS);
  cut.writeUInt32BE(0xffff_ffff, 22);
  const broken = [cut, Buffer.alloc(64), Buffer.alloc(64, 0xff), kexinit("a")];
  for (const packet of broken) {
    const hello = createServerHello("example.com");
    hello.push(Buffer.concat([IDENTIFICATION, packet]));
    hello.push(Buffer.alloc(1024 * 1024));
    assert.equal(hello.lists(), null);
  }
});
