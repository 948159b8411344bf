import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { GIT_ENV, makeTempDir } from "../../../../../test/support/repositories.ts";
import { parseRemoteUrl, type RemoteUrl } from "../../domain/remote-url.ts";
import { commandOf } from "./ssh-command.ts";

const execute = promisify(execFile);

const URLS = [
  "ssh://git@example.com/group/project.git",
  "ssh://git@example.com:2222/~user/project.git",
  "ssh://example.com/~",
  "ssh://git@[2001:db8::1]:22/a%20b/it%27s%21.git",
  "ssh://git@example.com//a//b",
  "ssh://git@example.com/100%/x%zz%2",
  "ssh://git@example.com/%C3%A9/ü?x=1&y='",
  "ssh://git@example.com/--upload-pack=touch",
  "ssh://git@example.com/$(touch);`id`|&",
  "ssh://git@example.com/a%2fb%2F..%2Fc",
  "git@example.com:relative/path.git",
  "git@example.com:/absolute/path.git",
  "git@example.com:~user/it's.git",
  "git@example.com:50%25/x%41",
];

test("the command is the one that git would have ssh run, byte for byte", async (t) => {
  const dir = await makeTempDir(t);
  const ssh = join(dir, "ssh");
  // Git gives the command as the last argument.
  await writeFile(ssh, `#!/bin/sh\nfor last; do :; done\nprintf '%s' "$last" >'${dir}/asked'\nexit 1\n`);
  await chmod(ssh, 0o755);
  for (const text of URLS) {
    const { url } = parseRemoteUrl(text);
    const env = { ...GIT_ENV, GIT_SSH: ssh, GIT_SSH_VARIANT: "ssh" };
    await assert.rejects(execute("git", ["ls-remote", "--", url], { env }));
    assert.equal(commandOf("git-upload-pack", url), await readFile(join(dir, "asked"), "utf8"), url);
  }
});

test("a URL without a path, or with one that no shell should see, makes no command", () => {
  const refused = [
    "ssh://git@example.com",
    "ssh://git@example.com?x",
    "ssh://git@example.com/%ff%fe",
    // No parser of ours lets these through; a row of the database might.
    "ssh://git@example.com/a%0Ab",
    "ssh://git@example.com/a%00b",
    "ssh://git@example.com/a\nb",
  ];
  for (const url of refused) {
    assert.throws(() => commandOf("git-receive-pack", url as RemoteUrl), { code: "url-invalid" }, url);
  }
});
