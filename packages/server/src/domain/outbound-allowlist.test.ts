import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseAllowlistEntry, validateAllowlist } from "./outbound-allowlist.ts";

describe("an entry of the outbound allowlist", () => {
  const host = (name: string, port: number | null = null) => ({ kind: "host", host: name, port });
  const range = (address: string, prefix: number, family: "ipv4" | "ipv6", port: number | null = null) => ({
    kind: "range",
    address,
    prefix,
    family,
    port,
  });
  const readable = {
    "example.com": host("example.com"),
    " Git.Example.COM ": host("git.example.com"),
    localhost: host("localhost"),
    "example.com.": host("example.com"),
    "Bücher.example:8443": host("xn--bcher-kva.example", 8443),
    "git_1.example.com:8443": host("git_1.example.com", 8443),
    "10.0.0.1": range("10.0.0.1", 32, "ipv4"),
    "10.0.0.1:80": range("10.0.0.1", 32, "ipv4", 80),
    "10.0.0.0/8": range("10.0.0.0", 8, "ipv4"),
    "0.0.0.0/0": range("0.0.0.0", 0, "ipv4"),
    "fd00::/8": range("fd00::", 8, "ipv6"),
    "::1": range("::1", 128, "ipv6"),
    "[::1]": range("::1", 128, "ipv6"),
    "[::1]:8080": range("::1", 128, "ipv6", 8080),
  };
  for (const [text, entry] of Object.entries(readable)) {
    it(`reads ${text}`, () => assert.deepEqual(parseAllowlistEntry(text), entry));
  }

  const unreadable = [
    "",
    "https://example.com",
    "example.com/path",
    "*.example.com",
    "user@example.com",
    "example..com",
    "-example.com",
    "300.1.1.1",
    "10.1",
    "１０.0.0.1",
    "example.com／x",
    "0x7f.1",
    "010.0.0.1",
    "10.0.0.0/33",
    "10.0.0.0/",
    "fd00::/129",
    "10.0.0.0/8:80",
    "example.com:0",
    "example.com:65536",
    "[::1]:0",
    "[example.com]",
    "::g",
  ];
  for (const text of unreadable) {
    it(`does not read ${JSON.stringify(text)}`, () => assert.equal(parseAllowlistEntry(text), null));
  }

  it("is named when it is wrong, and there is an end to the list", () => {
    assert.deepEqual(validateAllowlist(["a.example", "*", "10.0.0.0/8"]), [
      "has an entry that is no host, IP address or range in CIDR form: *",
    ]);
    assert.deepEqual(validateAllowlist(["x".repeat(256)]), [
      "has an entry that is too long (maximum is 255 characters)",
    ]);
    assert.deepEqual(validateAllowlist(Array(1000).fill("a.example")), []);
    assert.deepEqual(validateAllowlist(Array(1001).fill("a.example")), [
      "is too long (maximum is 1000 entries)",
    ]);
  });
});
