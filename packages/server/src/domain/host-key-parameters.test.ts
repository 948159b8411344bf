import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { apiAnswerTo } from "../http/on-error.ts";
import { readHostKeyParameters } from "./host-key-parameters.ts";
import { describeKeys, judgeHostKey } from "./known-hosts.ts";

const HERE = { host: "example.com", port: 22 };
/** Its base64 ends with many a `+`. */
const ED25519 = `ssh-ed25519 ${blobOf("ssh-ed25519", Buffer.alloc(32, Buffer.from("vvvv", "base64")).fill("++++", 2, "base64"))}`;
const OTHER = `ssh-ed25519 ${blobOf("ssh-ed25519", Buffer.alloc(32, 7))}`;
const ECDSA = `ecdsa-sha2-nistp256 ${blobOf("ecdsa-sha2-nistp256", Buffer.from("nistp256"), Buffer.alloc(65, 0xfb).fill(4, 0, 1))}`;

function blobOf(name: string, ...fields: readonly Buffer[]): string {
  const parts = [Buffer.from(name), ...fields].map((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return Buffer.concat([length, field]);
  });
  return Buffer.concat(parts).toString("base64");
}

const read = (...keys: readonly string[]) => readHostKeyParameters(keys, HERE).knownHosts;

/** The answer of the API. */
function refusal(keys: readonly string[], place: { host: string | null; port: number } = HERE): unknown {
  try {
    return readHostKeyParameters(keys, place);
  } catch (error) {
    const { status, body } = apiAnswerTo(error);
    return { status, body };
  }
}

function refused(reason: string): unknown {
  return { status: 400, body: { message: `Invalid SSH host key(s): ${reason}` } };
}

describe("readHostKeyParameters", () => {
  it("puts the URL's host in front of a bare key", () => {
    assert.equal(read(ED25519), `example.com ${ED25519}`);
    assert.equal(
      readHostKeyParameters([ED25519, ECDSA], { host: "example.com", port: 2222 }).knownHosts,
      `[example.com]:2222 ${ED25519}\n[example.com]:2222 ${ECDSA}`,
    );
    assert.equal(
      readHostKeyParameters([ED25519], { host: "2001:db8::1", port: 22 }).knownHosts,
      `2001:db8::1 ${ED25519}`,
    );
  });

  it("keeps a key with hosts as it is, lists, patterns and markers too", () => {
    for (const line of [
      `other.example.com ${ED25519}`,
      `example.com,192.0.2.7,*.example.org ${ED25519}`,
      `[example.com]:2222 ${ECDSA}`,
      `ssh-1.example.com ${ED25519}`,
      `@revoked * ${ED25519}`,
      `@cert-authority *.example.com ${ED25519}`,
      `example.com ${ED25519} a comment`,
    ]) {
      assert.equal(read(line), line);
    }
  });

  it("drops blank ones and surrounding spaces", () => {
    assert.equal(
      read("", `  ${OTHER}\r\n`, " \n ", `\texample.org   ${OTHER.replace(" ", "  ")} `),
      `example.com ${OTHER}\nexample.org ${OTHER}`,
    );
  });

  it("turns the spaces that a form made of + back, at the end of a key too", () => {
    assert.match(ED25519, /\+/);
    assert.match(ED25519, /\+$/);
    const sent = (text: string) => new URLSearchParams(`k=${text}`).get("k") ?? "";
    assert.equal(read(sent(ED25519)), `example.com ${ED25519}`);
    assert.equal(read(sent(`example.com ${ED25519}`)), `example.com ${ED25519}`);
    assert.equal(read(sent(ECDSA)), `example.com ${ECDSA}`);
    assert.equal(read(`${sent(ED25519)} a comment`), `example.com ${ED25519} a comment`);
    assert.equal(read(`${ED25519} a comment`), `example.com ${ED25519} a comment`);
  });

  it("does so in a hashed name too", () => {
    const salt = Buffer.alloc(20, Buffer.from("+A++", "base64"));
    const hash = createHmac("sha1", salt).update("example.com").digest("base64");
    const line = `|1|${salt.toString("base64")}|${hash} ${OTHER}`;
    assert.match(line, /\+/);
    const stored = read(line.replaceAll("+", " "));
    assert.equal(stored, line);
    const [algorithm = "", key = ""] = OTHER.split(" ");
    assert.equal(judgeHostKey(stored, HERE, { algorithm, key }).kind, "match");
  });

  it("takes several lines for several keys", () => {
    assert.equal(read(`example.com ${ED25519}\r\nexample.com ${OTHER}\n`).split("\n").length, 2);
  });

  it("clears what is stored by an empty list", () => {
    assert.equal(read(), "");
    assert.equal(read(""), "");
  });

  it("makes text of which every line gives a fingerprint", () => {
    assert.equal(describeKeys(read(ED25519, `example.org ${OTHER}`, ECDSA)).length, 3);
  });

  it("names the keys that are none, as GitLab does", () => {
    for (const key of [
      "invalid",
      "ssh-rsa",
      "ssh-rsa AAAA",
      "ssh-foo AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==",
      `${ED25519.slice(0, -4)}`,
      `${OTHER}x`,
      `sk-${ED25519}`,
      `two hosts ${ED25519}`,
      `# ${ED25519}`,
      `@revoked ${ED25519}`,
      `@other example.com ${ED25519}`,
      `@revoked @revoked example.com ${ED25519}`,
      ED25519.replace("ssh-ed25519", "ssh-rsa"),
    ]) {
      assert.deepEqual(refusal([key]), refused(key));
    }
    assert.deepEqual(refusal([" one ", ED25519, "two"]), refused("one, two"));
  });

  it("takes ten and no more", () => {
    assert.equal(read(...Array.from({ length: 10 }, () => ED25519), " ").split("\n").length, 10);
    const tooMany = refused("too many host keys (maximum is 10)");
    assert.deepEqual(refusal(Array.from({ length: 11 }, () => ED25519)), tooMany);
    assert.deepEqual(refusal(Array.from({ length: 11 }, () => "invalid")), tooMany);
  });

  it("needs the URL's host for a bare key only", () => {
    const nowhere = { host: null, port: 22 };
    assert.deepEqual(refusal([ED25519], nowhere), refused("cannot determine hostname from URL for bare key"));
    assert.deepEqual(refusal([ED25519], { host: "", port: 22 }), refusal([ED25519], nowhere));
    assert.deepEqual(refusal([`example.com ${ED25519}`], nowhere), { knownHosts: `example.com ${ED25519}` });
  });

  it("does not repeat a private key that was given by mistake", () => {
    const pasted =
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n";
    assert.deepEqual(refusal([pasted, "x"]), refused("*****, x"));
  });
});
