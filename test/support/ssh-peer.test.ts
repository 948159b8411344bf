import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { git, makeCommit, makeRepository, makeTempDir } from "./repositories.ts";
import { startSshPeer } from "./ssh-peer.ts";
import { startTcpFront } from "./tcp-front.ts";

const execute = promisify(execFile);

test("OpenSSH and git find the peer to be a real host: keys, passwords, other host keys, noise", async (t) => {
  const dir = await makeTempDir(t);
  const repository = await makeRepository(join(dir, "repositories", "group", "it's here.git"));
  const tip = await makeCommit(repository);
  await execute("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, "key")]);
  const key = await readFile(join(dir, "key.pub"), "utf8");
  const password = "s3cret pa'ss";
  const peer = await startSshPeer({
    root: join(dir, "repositories"),
    accounts: [
      { name: "git", authorizedKeys: [key] },
      { name: "someone", password },
    ],
  });
  t.after(() => peer.close());
  const front = await startTcpFront({ preamble: "a line\r\nand another\r\n", target: peer });
  t.after(() => front.close());
  await writeFile(join(dir, "askpass"), `#!/bin/sh\nprintf '%s\\n' "s3cret pa'ss"\n`);
  await chmod(join(dir, "askpass"), 0o755);

  const list = async (options: readonly string[], url: string, knownHosts: string) => {
    await writeFile(join(dir, "known_hosts"), knownHosts);
    const ssh = [
      ...["ssh", "-F", "none", "-o", `UserKnownHostsFile=${join(dir, "known_hosts")}`],
      ...["-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", ...options],
    ];
    return git("/", ["ls-remote", url, "refs/heads/main"], {
      env: {
        GIT_SSH_COMMAND: ssh.join(" "),
        SSH_ASKPASS: join(dir, "askpass"),
        SSH_ASKPASS_REQUIRE: "force",
      },
    });
  };
  const byKey = ["-i", join(dir, "key"), "-o", "BatchMode=yes"];
  const by = (method: string) => [
    "-o",
    `PreferredAuthentications=${method}`,
    "-o",
    "NumberOfPasswordPrompts=1",
  ];
  const url = peer.urlOf("group/it's here.git");

  assert.equal(await list(byKey, url, peer.knownHosts()), `${tip}\trefs/heads/main`);
  assert.deepEqual(await peer.commands(), ["version=2 git-upload-pack '/group/it'\\''s here.git'"]);
  const another = peer.urlOf("group/it's here.git", "someone");
  await list(by("password"), another, peer.knownHosts());
  await list(by("keyboard-interactive"), another, peer.knownHosts());
  await assert.rejects(list([...by("publickey"), ...byKey], another, peer.knownHosts()), /Permission denied/);
  assert.equal(peer.connections(), 4);
  assert.deepEqual(peer.accepted(), [
    "publickey for git",
    "password for someone",
    "keyboard-interactive/pam for someone",
  ]);

  const noisy = url.replace(String(peer.port), String(front.port));
  await list(byKey, noisy, peer.knownHosts(front.port));
  await assert.rejects(list(byKey, noisy, peer.knownHosts()), /Host key verification failed/);

  const before = peer.knownHosts();
  await peer.stop();
  await assert.rejects(list(byKey, url, before), /Connection refused/);
  await peer.start({ hostKeys: ["ed25519"], config: ["Ciphers aes256-ctr"] });
  assert.deepEqual(
    peer.hostKeys().map(({ algorithm }) => algorithm),
    ["ssh-ed25519"],
  );
  await assert.rejects(list(byKey, url, before), /HOST IDENTIFICATION HAS CHANGED/);
  await assert.rejects(list([...byKey, "-c", "aes128-ctr"], url, peer.knownHosts()), /no matching cipher/);
  await list([...byKey, "-c", "aes256-ctr"], url, peer.knownHosts());

  await peer.setFault('echo "ERROR: not today, $2" >&2; exit 1');
  await assert.rejects(list(byKey, url, peer.knownHosts()), /ERROR: not today, \/group/);
  await peer.setFault(null);
  await peer.authorize("git", []);
  await assert.rejects(list(byKey, url, peer.knownHosts()), /Permission denied/);
});
