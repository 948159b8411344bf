import assert from "node:assert/strict";
import { test } from "node:test";
import { formatListenAddress, localUrlOf, parseListenAddress } from "./listen-address.ts";

test("reads IPv4, IPv6 and names with a port, and a port alone as all addresses", () => {
  assert.deepEqual(parseListenAddress("127.0.0.1:8080"), { host: "127.0.0.1", port: 8080 });
  assert.deepEqual(parseListenAddress("[::1]:8080"), { host: "::1", port: 8080 });
  assert.deepEqual(parseListenAddress("[fe80::1:2]:22"), { host: "fe80::1:2", port: 22 });
  assert.deepEqual(parseListenAddress("git.example.com:0"), { host: "git.example.com", port: 0 });
  assert.deepEqual(parseListenAddress(":8080"), { host: "::", port: 8080 });
});

test("refuses what is no address with a port", () => {
  const wrong = [
    "",
    "8080",
    "localhost",
    "127.0.0.1:",
    ":65536",
    ":-1",
    "::1:8080",
    "[::1]",
    "[12]:80",
    "a b:80",
  ];
  for (const text of [...wrong, "http://localhost:80", "host:80/", " :80", "-a:80", "[::1:80"]) {
    assert.equal(parseListenAddress(text), null, JSON.stringify(text));
  }
});

test("writes an address as it is read", () => {
  for (const text of ["127.0.0.1:8080", "[::1]:8080", "git.example.com:0"]) {
    const address = parseListenAddress(text);
    assert.ok(address);
    assert.equal(formatListenAddress(address), text);
  }
});

test("a browser reaches a server on all addresses at localhost", () => {
  assert.equal(localUrlOf({ host: "::", port: 8080 }), "http://localhost:8080");
  assert.equal(localUrlOf({ host: "0.0.0.0", port: 8080 }), "http://localhost:8080");
  assert.equal(localUrlOf({ host: "::1", port: 8080 }), "http://[::1]:8080");
  assert.equal(localUrlOf({ host: "127.0.0.1", port: 80 }), "http://127.0.0.1");
});
