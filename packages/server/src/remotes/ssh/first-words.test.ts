import assert from "node:assert/strict";
import { test } from "node:test";
import { openRemote } from "../../../../../test/support/git-adapter.ts";
import { judgeFirstWords, noiseError } from "./first-words.ts";

const OID = "0123456789abcdef0123456789abcdef01234567";
const remote = openRemote("ssh://git@example.com/group/project.git", {
  credential: { username: "git", password: "hunter22" },
});

test("Git is told from what else may be printed, however it is cut", () => {
  for (const [text, verdict] of [
    ["000eversion 2\n", "git"],
    ["000Eversion 1\n", "git"],
    ["0000", "git"],
    [`003d${OID} refs/heads/main\n`, "git"],
    [`00b1${"0".repeat(40)} capabilities^{}`, "git"],
    ["0032ERR no such repository", "git"],
    ["0009ERR x", "git"],
    ["Welcome to this machine\n", "noise"],
    ["\n", "noise"],
    ["face the facts of life", "noise"],
    ["0032want something", "noise"],
    ["0032want", "noise"],
    ["1234 days without an accident", "noise"],
    ["dead", null],
    ["", null],
  ] as const) {
    const bytes = Buffer.from(text, "latin1");
    assert.equal(judgeFirstWords(bytes), verdict, text);
    for (let length = 0; length < bytes.length; length += 1) {
      const early = judgeFirstWords(bytes.subarray(0, length));
      assert.ok(early === null || early === verdict, `${text.slice(0, length)}: ${early}`);
    }
  }
});

test("the text is quoted up to where Git begins, without secrets, on one line, and bounded", () => {
  const { code, message } = noiseError(`Hello\r\nhunter22\n000eversion 2\n0000`, remote, "example.com");
  assert.equal(code, "remote-noise");
  assert.match(message, /^example\.com prints text before it speaks Git: 'Hello \*\*\*\*\*'\. .*\.bashrc/);
  assert.match(
    noiseError("\n\n", remote, "example.com").message,
    /prints blank lines before it speaks Git\./,
  );
  assert.match(noiseError(`x\n003d${OID} refs`, remote, "h").message, /Git: 'x'/);
  assert.ok(noiseError("long ".repeat(2000), remote, "example.com").message.length < 400);
});
