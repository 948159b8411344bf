import assert from "node:assert/strict";
import fc from "fast-check";
import { HeliostatError } from "../../packages/server/src/domain/errors.ts";
import { readHostKeyParameters } from "../../packages/server/src/domain/host-key-parameters.ts";
import {
  cleanKnownHosts,
  describeKeys,
  haveHostKeysChanged,
  hostKeyAlgorithmsFor,
  judgeHostKey,
} from "../../packages/server/src/domain/known-hosts.ts";
import { fingerprintSha256 } from "../../packages/server/src/domain/ssh-public-key.ts";
import { writeStrings } from "../../packages/server/src/domain/ssh-wire.ts";
import { type FuzzTarget, mutated } from "./fuzz.ts";

const PLACES = [
  { host: "example.com", port: 22 },
  { host: "Example.com", port: 2222 },
  { host: "2001:db8::1", port: 22 },
];
const SHOWN = {
  algorithm: "ssh-ed25519",
  key: writeStrings("ssh-ed25519", Buffer.alloc(32, 0xfb)).toString("base64"),
};
const OTHER = writeStrings("ssh-ed25519", Buffer.alloc(32, 7)).toString("base64");
const RSA = writeStrings("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.alloc(128, 0x7f)).toString("base64");
const KEYS = [`ssh-ed25519 ${SHOWN.key}`, `ssh-ed25519 ${OTHER}`, `ssh-rsa ${RSA}`];
const SEEDS = [
  `example.com ${KEYS[0]}\nexample.com ${KEYS[1]}`,
  `@revoked *.com ${KEYS[0]}\r\n# a comment\r\n\r\n[example.com]:2222 ${KEYS[2]} me`,
  `@cert-authority * ${KEYS[0]}\n*,!example.com ${KEYS[1]}\n2001:db8::1 ${KEYS[0]}`,
  // example.com with a salt of zeros.
  `|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|pBu7J/e2y7CkTsSPf7Ha8oiHKGQ= ${KEYS[0]}`,
  `${KEYS[2]}`,
];
const DICTIONARY = [
  ..."* ? ! , @ # | |1| [ ] [example.com]:2222 :22 . = == + / A AAAA @revoked @cert-authority ssh-rsa ssh-ed25519 EXAMPLE.com !example.com *.com K".split(
    " ",
  ),
  " ",
  "  ",
  "\t",
  "\n",
  "\r\n",
  ...KEYS,
  SHOWN.key,
];

/** A list of patterns, read in another way. */
function namesByRegExp(patterns: string, name: string): boolean {
  const isMatch = (pattern: string) =>
    new RegExp(
      `^${pattern
        .replaceAll(/[^*?]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .replaceAll("*", "[^]*")
        .replaceAll("?", "[^]")}$`,
      "i",
    ).test(name);
  const list = patterns.split(",");
  const isNegated = list.some((pattern) => pattern.startsWith("!") && isMatch(pattern.slice(1)));
  return !isNegated && list.some((pattern) => !pattern.startsWith("!") && isMatch(pattern));
}

export const knownHosts: FuzzTarget = {
  name: "known-hosts",
  property: fc.property(mutated(SEEDS, DICTIONARY), fc.constantFrom(...PLACES), (text, place) => {
    const verdict = judgeHostKey(text, place, SHOWN);
    if (verdict.kind === "changed") assert.ok(verdict.expected.length > 0);
    if (verdict.kind === "match" || verdict.kind === "revoked") assert.ok(text.includes(SHOWN.key));
    const reversed = text.split("\n").toReversed().join("\n");
    assert.equal(judgeHostKey(reversed, place, SHOWN).kind, verdict.kind);
    assert.equal(judgeHostKey(cleanKnownHosts(text), place, SHOWN).kind, verdict.kind);
    assert.equal(judgeHostKey(`${text}\n@revoked * ${KEYS[0]}`, place, SHOWN).kind, "revoked");
    const asks = hostKeyAlgorithmsFor(text, place).length > 0;
    if (verdict.kind !== "revoked") assert.equal(asks, verdict.kind !== "missing");
    // Unlike ssh: where nothing names the port, the keys of the host without it are those that are expected.
    const ofHost = judgeHostKey(text, { ...place, port: 22 }, SHOWN).kind;
    if (verdict.kind === "missing") assert.equal(ofHost, "missing");

    assert.equal(cleanKnownHosts(cleanKnownHosts(text)), cleanKnownHosts(text));
    assert.equal(haveHostKeysChanged(text, reversed), false);
    const lines = text.split("\n");
    for (const { index, fingerprint_sha256: fingerprint } of describeKeys(text)) {
      const words = (lines[index] ?? "").split(/[ \t\r]+/);
      assert.ok(words.some((word) => fingerprintSha256(word) === fingerprint));
    }

    try {
      const { knownHosts: read } = readHostKeyParameters([text], place);
      assert.deepEqual(readHostKeyParameters(read.split("\n"), place).knownHosts, read);
      assert.deepEqual(
        describeKeys(read).map(({ index }) => index),
        read.split("\n").flatMap((line, i) => (line === "" || line.startsWith("@") ? [] : [i])),
      );
    } catch (error) {
      if (!(error instanceof HeliostatError && error.code === "model-invalid")) throw error;
    }
  }),
};

export const hostPatterns: FuzzTarget = {
  name: "host-patterns",
  property: fc.property(
    fc
      .array(fc.string({ unit: fc.constantFrom(..."*?!aAb.[]:2"), maxLength: 5 }), {
        minLength: 1,
        maxLength: 4,
      })
      .map((patterns) => patterns.join(",")),
    fc.string({ unit: fc.constantFrom(..."aAb."), minLength: 1, maxLength: 4 }),
    fc.constantFrom(22, 2222),
    (patterns, host, port) => {
      fc.pre(patterns !== "");
      // Where the place is not named with its port, its host alone may be.
      const names = port === 22 ? [host] : [`[${host}]:${port}`, host];
      assert.equal(
        judgeHostKey(`${patterns} ${KEYS[0]}`, { host, port }, SHOWN).kind,
        names.some((name) => namesByRegExp(patterns, name)) ? "match" : "missing",
      );
    },
  ),
};
