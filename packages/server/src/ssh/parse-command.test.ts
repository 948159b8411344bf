import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSshCommand } from "./parse-command.ts";

describe("parseSshCommand", () => {
  const READ: readonly (readonly [command: string, program: string, fullPath: string])[] = [
    ["git-upload-pack 'grp/a.git'", "upload-pack", "grp/a"],
    ["git-upload-pack '/grp/sub/a.git'", "upload-pack", "grp/sub/a"],
    ["git-receive-pack 'grp/a'", "receive-pack", "grp/a"],
    ["git upload-pack '/grp/a.git'", "upload-pack", "grp/a"],
    ["git-upload-archive 'grp/a.git/'", "upload-archive", "grp/a"],
    ["git-upload-pack grp/a.git", "upload-pack", "grp/a"],
    ["  git-upload-pack   '//grp//a.git' ", "upload-pack", "grp/a"],
    ["git-upload-pack 'grp/'a.git", "upload-pack", "grp/a"],
  ];
  for (const [command, program, fullPath] of READ) {
    it(`reads ${command}`, () =>
      assert.deepEqual(parseSshCommand(command), { kind: "git", program, fullPath }));
  }

  const REFUSED: readonly (readonly [command: string, message: RegExp])[] = [
    ["git-upload-pack '~ada/a.git'", /no path/],
    ["git-upload-pack '/~/a.git'", /no path/],
    ["git-upload-pack 'a.git'", /no path/],
    ["git-upload-pack ''", /no path/],
    ["git-upload-pack '../../etc/passwd'", /no path/],
    ["git-upload-pack 'grp/../../a.git'", /no path/],
    ["git-upload-pack 'grp/.git'", /no path/],
    ["git-upload-pack 'grp/a'\\''b.git'", /no path/],
    ["git-upload-pack 'grp/a\nb.git'", /no path/],
    ["git-upload-pack 'grp/\0.git'", /no path/],
    ["git-upload-pack '--strict' 'grp/a.git'", /Only git/],
    ["git-upload-pack --help", /no path/],
    ["git-upload-pack", /Only git/],
    ["git-upload-pack 'grp/a.git'; id", /Only git/],
    ["git-upload-pack 'grp/a.git' && id", /Only git/],
    ["git-upload-pack $(id)/a", /Only git/],
    ["git-upload-pack 'grp/a.git", /Only git/],
    ['git-upload-pack "grp/a.git"', /Only git/],
    ["git-upload-pack grp\\/a.git", /Only git/],
    ["git 'receive-pack' ", /Only git/],
    ["git gc", /Only git/],
    ["git-shell", /Only git/],
    ["upload-pack 'grp/a.git'", /Only git/],
    ["sh -c id", /Only git/],
    ["", /Only git/],
    [`git-upload-pack '${"a/".repeat(10_000)}a.git'`, /Only git/],
    ["git-lfs-authenticate grp/a.git upload", /LFS/],
    ["git-lfs-transfer grp/a.git download", /LFS/],
  ];
  for (const [command, message] of REFUSED) {
    it(`refuses ${JSON.stringify(command).slice(0, 60)}`, () => {
      const parsed = parseSshCommand(command);
      assert.match(parsed.kind === "refused" ? parsed.message : JSON.stringify(parsed), message);
    });
  }
});
