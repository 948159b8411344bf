import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeliostatError } from "../../packages/server/src/domain/errors.ts";
import { readHostKeyParameters } from "../../packages/server/src/domain/host-key-parameters.ts";
import { cleanKnownHosts, describeKeys, judgeHostKey } from "../../packages/server/src/domain/known-hosts.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { readSshPrivateKey } from "../../packages/server/src/domain/ssh-private-key.ts";
import { writeStrings } from "../../packages/server/src/domain/ssh-wire.ts";
import { createPacketDecoder } from "../../packages/server/src/remotes/pkt-line.ts";
import { fuzz, fuzzOptions } from "./fuzz.ts";
import { FUZZ_TARGETS } from "./targets.ts";

// The same seed each time: whether a change is good must not hang on luck. New input is for `npm run fuzz`.
const options = fuzzOptions({ seconds: 2, seed: 1 });

describe(`the parsers of what strangers write (FUZZ_SEED=${options.seed})`, () => {
  for (const target of FUZZ_TARGETS) {
    it(`${target.name} holds for any input`, () => {
      assert.ok(fuzz(target, options) > 0);
    });
  }
});

it("a parser that breaks is shown with its shortest input and the seed", () => {
  const property = fc.property(fc.string(), (text) => assert.ok(!text.includes("x")));
  assert.throws(
    () => fuzz({ name: "broken", property }, { seconds: 10, seed: 7 }),
    /^Error: broken breaks on \["x"\]\nagain: FUZZ_SEED=7 npm run fuzz broken\n/,
  );
});

describe("a megabyte of anything takes no more than its length", () => {
  const SIZE = 1_000_000;
  const HERE = { host: `${"a".repeat(250)}.example`, port: 22 };
  const SHOWN = {
    algorithm: "ssh-ed25519",
    key: writeStrings("ssh-ed25519", Buffer.alloc(32)).toString("base64"),
  };
  const PIECES = [
    ..."a @ : / [ ] % %0 %41 . - \\ | , ! * ? # A + = \u0000 a. 0. *a ?* *, !*, @[ @revoked ssh:// a@ -----BEGIN ssh-rsa".split(
      " ",
    ),
    " ",
    "\t",
    "\n",
    "\r\n",
    " \n",
    "ssh-ed25519 ",
    `* ssh-ed25519 ${SHOWN.key.replace("AAAA", "AAAB")}\n`,
    `|1|${"A".repeat(27)}=|${"A".repeat(27)}= ssh-ed25519 ${SHOWN.key}\n`,
    `${"*a".repeat(120)}b,`,
    "-----BEGIN PRIVATE KEY-----",
    "0000",
    "0004",
    "0005a",
  ];
  const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
    parseRemoteUrl: (text) => parseRemoteUrl(text),
    "parseRemoteUrl behind a scheme": (text) => parseRemoteUrl(`ssh://${text}`),
    "parseRemoteUrl behind a user": (text) => parseRemoteUrl(`a@${text}`),
    judgeHostKey: (text) => judgeHostKey(text, HERE, SHOWN),
    "judgeHostKey with a key behind": (text) => judgeHostKey(`${text} ssh-ed25519 ${SHOWN.key}`, HERE, SHOWN),
    describeKeys: (text) => describeKeys(text),
    cleanKnownHosts: (text) => cleanKnownHosts(text),
    readHostKeyParameters: (text) => readHostKeyParameters([text], HERE),
    "readHostKeyParameters behind a type": (text) => readHostKeyParameters([`ssh-ed25519 ${text}`], HERE),
    readSshPrivateKey: (text) => readSshPrivateKey(text),
    createPacketDecoder: (text) => {
      const decoder = createPacketDecoder({ packet: () => {}, control: () => {} });
      const bytes = Buffer.from(text, "latin1");
      for (let at = 0; at < bytes.length; at += 3) decoder.push(bytes.subarray(at, at + 3));
    },
  };
  for (const [name, parse] of Object.entries(PARSERS)) {
    it(name, () => {
      for (const piece of PIECES) {
        const text = piece.repeat(Math.ceil(SIZE / piece.length));
        const before = process.cpuUsage();
        try {
          parse(text);
        } catch (error) {
          if (!(error instanceof HeliostatError)) throw error;
        }
        const { user } = process.cpuUsage(before);
        // The slowest, a match of long patterns, takes a sixth of that; the square of a megabyte would take an hour.
        assert.ok(user < 3_000_000, `${JSON.stringify(piece.slice(0, 40))}: ${user} µs`);
      }
    });
  }
});
