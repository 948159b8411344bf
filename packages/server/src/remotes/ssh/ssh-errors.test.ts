import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { startTcpFront } from "../../../../../test/support/tcp-front.ts";
import { waitFor } from "../../../../../test/support/wait-for.ts";
import { atPort, makeKeyPair, PASSWORD, setUpSsh } from "./ssh-stage.test-support.ts";

/** For `assert.rejects`: this code, these words, and no secret anywhere. */
function fails(code: string, ...words: readonly (string | RegExp)[]) {
  return (error: unknown) => {
    assert.equal(error instanceof Error && "code" in error && error.code, code, inspect(error));
    const message = error instanceof Error ? error.message : "";
    for (const word of words) {
      if (typeof word === "string") assert.ok(message.includes(word), `${message} lacks ${word}`);
      else assert.match(message, word);
    }
    const all = inspect(error, { depth: 10, showHidden: true });
    assert.ok(!all.includes(PASSWORD) && !all.includes("PRIVATE KEY"), "tells a secret");
    return true;
  };
}

test("who is refused is told what was refused, and what to do", async (t) => {
  const { dir, peer, list } = await setUpSsh(t);
  const other = await makeKeyPair(dir, "other");
  const rsa = await makeKeyPair(dir, "rsa", "rsa");
  const asGit = peer.urlOf("theirs.git");
  const asSomeone = peer.urlOf("theirs.git", "someone");

  await assert.rejects(list(asGit, { credential: other }), fails("ssh-key-refused", "Add its public key"));
  await assert.rejects(list(asGit, { credential: rsa }), fails("ssh-key-refused", "Add its public key"));
  await assert.rejects(list(asGit, { credential: null }), fails("ssh-key-refused", "has none", "publickey"));
  await assert.rejects(
    list(asGit, { credential: { privateKey: "no key" } }),
    fails("ssh-key-refused", "cannot be read"),
  );
  await assert.rejects(
    list(asSomeone, { credential: { password: "wrong" } }),
    fails("remote-credential", "refused the user name or password"),
  );
  await assert.rejects(
    list(peer.urlOf("theirs.git", "nobody"), { credential: { password: PASSWORD } }),
    fails("remote-credential", "refused the user name or password"),
  );
  const tried = peer.failed().length;
  assert.ok(tried > 0);

  await peer.start({ config: ["AuthenticationMethods publickey"] });
  await assert.rejects(
    list(asSomeone, { credential: { password: PASSWORD } }),
    fails("remote-credential", "takes no passwords", "publickey"),
  );
  await peer.start({ config: ["PubkeyAuthentication no"] });
  await assert.rejects(list(asGit), fails("ssh-key-refused", "takes no SSH keys", "password"));
  await peer.start({ config: ["AuthenticationMethods publickey,password"] });
  await assert.rejects(list(asGit), fails("ssh-key-refused", "second factor"));
  await peer.start({ config: ["MaxAuthTries 1"] });
  await assert.rejects(list(asGit, { credential: other }), fails("ssh-key-refused", "Add its public key"));
});

test("a password is shown by either method, to a server that has only one of them", async (t) => {
  const { peer, list, b } = await setUpSsh(t);
  const url = peer.urlOf("theirs.git", "someone");
  const how = { credential: { password: PASSWORD } };
  for (const [off, method] of [
    ["KbdInteractiveAuthentication no", "password"],
    ["PasswordAuthentication no", "keyboard-interactive/pam"],
  ] as const) {
    await peer.start({ config: [off] });
    assert.deepEqual(await list(url, how), { "refs/heads/main": b });
    assert.equal(peer.accepted().at(-1), `${method} for someone`);
    await assert.rejects(list(url, { credential: { password: "wrong" } }), fails("remote-credential"));
  }
});

test("a wrong password is shown once, since hosts count", async (t) => {
  const { peer, list } = await setUpSsh(t);
  const url = peer.urlOf("theirs.git", "someone");
  // Both methods are on.
  await assert.rejects(list(url, { credential: { password: "wrong" } }), fails("remote-credential"));
  await waitFor(() => peer.failed().length > 0, { message: "nothing is logged" });
  await assert.rejects(list(url, { credential: { password: "wrong too" } }), fails("remote-credential"));
  await waitFor(() => peer.failed().length > 1, { message: "nothing more is logged" });
  assert.deepEqual(peer.failed(), ["password for someone", "password for someone"]);
});

test("an RSA key is taken by servers that take only one of its signatures", async (t) => {
  const { dir, peer, list, b } = await setUpSsh(t);
  const rsa = await makeKeyPair(dir, "rsa", "rsa");
  const how = { credential: { privateKey: rsa.privateKey } };
  const url = peer.urlOf("theirs.git");
  for (const algorithm of ["rsa-sha2-256", "rsa-sha2-512"]) {
    await peer.start({ config: [`PubkeyAcceptedAlgorithms ${algorithm}`] });
    await peer.authorize("git", [rsa.publicKey]);
    assert.deepEqual(await list(url, how), { "refs/heads/main": b }, algorithm);
    await peer.authorize("git", []);
    await peer.start();
    await assert.rejects(list(url, how), fails("ssh-key-refused", "Add its public key"), algorithm);
  }
});

test("a host key that is not stored ends it before anything is sent", async (t) => {
  const { peer, list, b } = await setUpSsh(t);
  const url = peer.urlOf("theirs.git");
  const [rsa, ecdsa, ed25519] = peer.hostKeys();
  assert.ok(rsa && ecdsa && ed25519);
  const place = `[127.0.0.1]:${peer.port}`;

  await assert.rejects(
    list(url, { knownHosts: "" }),
    fails("host-key-missing", "No host key of 127.0.0.1", ed25519.fingerprint),
  );
  await assert.rejects(
    list(url, { knownHosts: peer.knownHosts(22) }),
    fails("host-key-missing", ed25519.fingerprint),
  );
  const revoked = `${peer.knownHosts()}@revoked ${place} ${ed25519.algorithm} ${ed25519.key}\n`;
  await assert.rejects(list(url, { knownHosts: revoked }), fails("host-key-revoked", ed25519.fingerprint));

  // Whichever key is stored is the one that is asked for.
  for (const { algorithm, key } of [rsa, ecdsa, ed25519]) {
    assert.deepEqual(await list(url, { knownHosts: `${place} ${algorithm} ${key}` }), {
      "refs/heads/main": b,
    });
  }

  const before = peer.knownHosts();
  await peer.start({ hostKeys: ["ed25519"] });
  const [now] = peer.hostKeys();
  await assert.rejects(
    list(url, { knownHosts: before }),
    fails(
      "host-key-changed",
      rsa.fingerprint,
      ecdsa.fingerprint,
      ed25519.fingerprint,
      now?.fingerprint ?? "?",
    ),
  );
  // Nobody signed in but those three, and nobody else tried to.
  assert.deepEqual(peer.accepted(), Array(3).fill("publickey for git"));
  assert.deepEqual(peer.failed(), []);
});

test("without a common algorithm it is told what the server offers", async (t) => {
  const { peer, list, b } = await setUpSsh(t);
  const url = peer.urlOf("theirs.git");
  for (const [line, ...words] of [
    ["Ciphers 3des-cbc,aes128-cbc", "no common cipher", "3des-cbc, aes128-cbc"],
    ["KexAlgorithms diffie-hellman-group1-sha1", "no common key exchange", "diffie-hellman-group1-sha1"],
    [`Ciphers aes128-ctr\nMACs umac-64@openssh.com`, "no common MAC", "umac-64@openssh.com"],
  ] as const) {
    await peer.start({ config: [line] });
    await assert.rejects(list(url), fails("ssh-algorithms", ...words), line);
  }
  // Each that is left is spoken.
  for (const line of [
    "Ciphers aes256-ctr\nMACs hmac-sha2-512",
    "Ciphers chacha20-poly1305@openssh.com",
    "KexAlgorithms diffie-hellman-group14-sha256",
    "KexAlgorithms ecdh-sha2-nistp521\nCiphers aes256-gcm@openssh.com",
    "HostKeyAlgorithms rsa-sha2-256",
  ]) {
    await peer.start({ config: [line] });
    assert.deepEqual(await list(url), { "refs/heads/main": b }, line);
  }
});

test("what listens there and is no SSH server is told from what is none at all", async (t) => {
  const { peer, list, b } = await setUpSsh(t, { limits: { handshakeMs: 400, connectMs: 400 } });
  const identified = "SSH-2.0-Strange_1\r\n";
  const fronts: readonly (readonly [string | Buffer, boolean, string, ...(string | RegExp)[]])[] = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", true, "remote-not-ssh", "web server"],
    ["220 mail.example.com ESMTP\r\n", true, "remote-not-ssh", "does not speak SSH", "220 mail"],
    ["SSH-1.5-Ancient\r\n", false, "remote-not-ssh", "not 2.0"],
    ["no end ".repeat(10_000), false, "remote-not-ssh", "does not stop"],
    [Buffer.alloc(100_000), false, "remote-not-ssh"],
    ["\u0000\u0001binary", true, "remote-not-ssh"],
    ["Exceeded MaxStartups\r\n", true, "remote-busy", "Exceeded MaxStartups"],
    ["", true, "remote-closed", "before it said anything"],
    ["", false, "remote-timeout", "does not begin to speak SSH"],
    ["Welcome\r\n", false, "remote-timeout", "does not begin to speak SSH"],
    [identified, false, "remote-timeout", "did not finish the SSH handshake"],
    [identified, true, "remote-closed"],
    [`${identified}garbage garbage garbage`, false, "remote-not-ssh", "breaks the rules"],
    [Buffer.concat([Buffer.from(identified), Buffer.alloc(5000, 0xff)]), false, "remote-not-ssh"],
    [Buffer.concat([Buffer.from(identified), Buffer.alloc(5000)]), false, "remote-not-ssh"],
  ];
  for (const [preamble, ends, code, ...words] of fronts) {
    const front = await startTcpFront({ preamble, ends });
    await assert.rejects(
      list(atPort(peer, front.port)),
      fails(code, "127.0.0.1", ...words),
      String(preamble).slice(0, 40),
    );
    await front.close();
    await assert.rejects(list(atPort(peer, front.port)), fails("remote-unreachable", "127.0.0.1"));
  }
  const front = await startTcpFront({ preamble: "All is logged.\r\n\r\nLeave now.\n", target: peer });
  t.after(() => front.close());
  assert.deepEqual(await list(atPort(peer, front.port), { knownHosts: peer.knownHosts(front.port) }), {
    "refs/heads/main": b,
  });
});

test("what the host's shell or git says is what is told", async (t) => {
  const { peer, list, open, ours, repositories } = await setUpSsh(t);
  const url = peer.urlOf("theirs.git");
  await assert.rejects(
    list(peer.urlOf("nothing.git")),
    fails("remote-not-found", "does not appear to be a git"),
  );
  for (const [shell, code, word] of [
    ['echo "ERROR: Repository not found." >&2; exit 1', "remote-not-found", "Repository not found"],
    ['echo "ERROR: Permission to x denied to y." >&2; exit 1', "remote-forbidden", "denied"],
    ["echo 'sh: git-upload-pack: not found' >&2; exit 127", "remote-not-git", "has no git"],
    ["exit 3", "remote-closed", "closed"],
    ["kill -9 $$", "remote-closed", "Killed"],
    ["echo Welcome to this machine; exit 0", "remote-noise", "Welcome"],
    ["echo This account is currently not available.; exit 1", "remote-forbidden", "not available"],
  ] as const) {
    await peer.setFault(shell);
    await assert.rejects(list(url), fails(code, word), shell);
    // Git is not asked what it makes of it.
    const transfer = repositories.fetchAll(ours, await open(url), { signal: t.signal });
    await assert.rejects(transfer, fails(code), shell);
  }
  assert.equal(peer.connections(), 1, peer.log());
});
