import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import { type MadeKey, makeKey, sshKeygen } from "../../../../test/support/ssh-keygen.ts";
import {
  cleanKnownHosts,
  describeKeys,
  formatKnownHost,
  haveHostKeysChanged,
  hostKeyAlgorithmsFor,
  judgeHostKey,
  type SshPlace,
} from "./known-hosts.ts";

const HERE: SshPlace = { host: "example.com", port: 22 };
/** What ssh-keygen of OpenSSH 9.2 says of it: newer ones read no DSA. */
const DSA = {
  line: "ssh-dss AAAAB3NzaC1kc3MAAACBAKFQJ0s8PqF9BKWkUv4L0oPwsgiVoKnSCwKVX+GthqQ+4OL14h88xzQbn3CQNM1Cfx+hHHESrExqsx2L+hDfkvwTUN5prfJ+pKiNBCxhWkkkgyeyG5DAI7B4EI7f6eyZpsdATrqZsFk0UvnjYWqaS7ICiD/aLeDVAyW0YyAu/AHfAAAAFQCRNZJ4yeHyAEc1mRFojoFpniWGTwAAAIBc0vhtIkerLifnYQLmaNCkW36h6dP+H7RSVj7+tD3ycQDIuVNfT/sMpEuPaCqTtiT4W5JsWBfGWaXY9+zZx+dcIZWxO8vNk+EsHL3jXIV9C+u/O+aZZjWY8XgZdjVwwtSVSppYCAmt6dwEv8nfyfC9EQuBYRhHkFLqH6TBtzavgAAAAIEAk2CvsHiLzUQtBsbG13UHHnOakPXBvSNI4fssBeZfZISEsdnD1WOuiwlbsEJoO/Q5tdDoAGO25PSbnBf2J+VyLC05aLqjmAZb4IVXQRuCydtaqpq74v40bYgqpNQYpRQegrA+B8nHiaIp6Z/87LlvZNGBKQSwXP70NSrXHDZG/+U=",
  md5: "cf:62:4d:8e:c7:76:c8:ec:48:26:60:ef:96:6e:eb:d3",
  sha256: "SHA256:BjJgqhBdRUTpxPPVli4nAfmS49tOxmh1eP42Glx6w5M",
};

let dir = "";
let removeDir = async (): Promise<void> => undefined;
let ed25519: MadeKey;
let otherEd25519: MadeKey;
let rsa: MadeKey;
const ecdsa: MadeKey[] = [];

before(async () => {
  dir = await makeTempDir({ after: (clean) => (removeDir = clean) });
  [ed25519, otherEd25519, rsa] = await Promise.all([
    makeKey(dir, "ed25519", "-t", "ed25519"),
    makeKey(dir, "other-ed25519", "-t", "ed25519"),
    makeKey(dir, "rsa", "-t", "rsa", "-b", "2048"),
  ]);
  for (const bits of ["256", "384", "521"]) {
    ecdsa.push(await makeKey(dir, `ecdsa-${bits}`, "-t", "ecdsa", "-b", bits));
  }
});
after(() => removeDir());

/** A line that knows this key under these names. */
function line(hosts: string, { algorithm, key }: MadeKey): string {
  return `${hosts} ${algorithm} ${key}`;
}

let saved = 0;
async function save(text: string): Promise<string> {
  const path = join(dir, `known_hosts-${++saved}`);
  await writeFile(path, `${text}\n`);
  return path;
}

/** What ssh says of the key in this file at this place: it speaks to an sshd of its own through a pipe. */
async function askSsh(text: string, { host, port }: SshPlace, shown: MadeKey): Promise<string> {
  const config = await save(`HostKey ${shown.path}\nAuthorizedKeysFile none`);
  const options = {
    UserKnownHostsFile: await save(text),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    BatchMode: "yes",
    IdentityFile: "none",
    ProxyCommand: `/usr/sbin/sshd -i -f ${config}`,
  };
  const args = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return await new Promise((resolve) => {
    execFile("ssh", ["-F", "none", ...args, "-p", `${port}`, `nobody@${host}`, "true"], (_, __, stderr) => {
      if (stderr.includes("REVOKED HOST KEY")) resolve("revoked");
      else if (stderr.includes("IDENTIFICATION HAS CHANGED")) resolve("changed");
      else if (stderr.includes("host key is known for")) resolve("missing");
      else if (stderr.includes("Permission denied")) resolve("match");
      else resolve(stderr);
    });
  });
}

type Case = readonly [verdict: string, text: string, place?: SshPlace, shown?: MadeKey];

/** Where nothing else is said, `ed25519` is shown at `HERE`. */
async function judgeAsSsh(...cases: readonly Case[]): Promise<void> {
  const check = async ([verdict, text, place = HERE, shown = ed25519]: Case) => {
    assert.equal(judgeHostKey(text, place, shown).kind, verdict, text);
    assert.equal(await askSsh(text, place, shown), verdict, text);
  };
  await Promise.all(cases.map(check));
}

describe("judgeHostKey, as ssh itself", () => {
  it("knows a key under the host's name, whatever its case", async () => {
    await judgeAsSsh(
      ["match", line("example.com", ed25519)],
      ["match", line("EXAMPLE.com", ed25519), { host: "Example.Com", port: 22 }],
    );
  });

  it("knows none where nothing is stored for this host", async () => {
    await judgeAsSsh(["missing", ""], ["missing", line("example.org", ed25519)]);
  });

  it("says that a key has changed when others are stored, also of another type", async () => {
    await judgeAsSsh(["changed", line("example.com", otherEd25519)], ["changed", line("example.com", rsa)]);
    assert.deepEqual(judgeHostKey(`${line("example.com", rsa)}\n${line("*", otherEd25519)}`, HERE, ed25519), {
      kind: "changed",
      expected: [rsa, otherEd25519].map(({ algorithm, key }) => ({ algorithm, key })),
    });
  });

  it("needs one of several stored keys", async () => {
    await judgeAsSsh([
      "match",
      [otherEd25519, rsa, ed25519].map((key) => line("example.com", key)).join("\n"),
    ]);
  });

  it("lets a revoked key lose against any match, wherever it stands", async () => {
    const known = line("example.com", ed25519);
    await judgeAsSsh(
      ["revoked", `${known}\n@revoked ${line("*", ed25519)}`],
      ["revoked", `@revoked ${known}\n${known}`],
      ["revoked", `@revoked ${known}`],
      ["match", `@revoked ${line("example.org", ed25519)}\n${known}`],
      ["match", `@revoked ${line("*", otherEd25519)}\n${known}`],
      ["missing", `@revoked ${line("*", otherEd25519)}`],
    );
    // OpenSSH of today passes over a marker before a tab, and trusts the key.
    assert.equal(judgeHostKey(`@revoked\t${known}\n${known}`, HERE, ed25519).kind, "revoked");
  });

  it("takes the key of a certificate authority for no host's key", async () => {
    await judgeAsSsh(
      ["missing", `@cert-authority ${line("*", ed25519)}`],
      ["missing", `@other ${line("example.com", ed25519)}`],
      ["missing", `@revoked @revoked ${line("*", ed25519)}`],
    );
  });

  it("reads a port other than 22 in brackets", async () => {
    const place = { host: "example.com", port: 2222 };
    await judgeAsSsh(
      ["match", line("[example.com]:2222", ed25519), place],
      ["missing", line("[example.com]:2222", ed25519)],
      ["missing", line("[example.com]:22", ed25519)],
      ["missing", line("example.com:2222", ed25519), place],
      ["match", line("[2001:db8::1]:2222", ed25519), { host: "2001:db8::1", port: 2222 }],
      ["match", line("2001:db8::1", ed25519), { host: "2001:db8::1", port: 22 }],
    );
  });

  it("falls back to lines without the port, as ssh does, where none names it", async () => {
    const place = { host: "example.com", port: 2222 };
    const alone = line("example.com", ed25519);
    const named = line("[example.com]:2222", rsa);
    await judgeAsSsh(
      ["match", alone, place],
      ["changed", `${alone}\n${named}`, place],
      ["match", `${alone}\n${named}`, place, rsa],
    );
    assert.deepEqual(hostKeyAlgorithmsFor(alone, place), ["ssh-ed25519"]);
    assert.deepEqual(hostKeyAlgorithmsFor(`${alone}\n${named}`, place).at(-1), "ssh-rsa");
    assert.equal(judgeHostKey(`@revoked ${alone}`, place, ed25519).kind, "revoked");
  });

  it("says, unlike ssh, that a key has changed where a line without the port has another one", async () => {
    const place = { host: "example.com", port: 2222 };
    const alone = line("example.com", ed25519);
    assert.equal(await askSsh(alone, place, rsa), "missing");
    const { algorithm, key } = ed25519;
    assert.deepEqual(judgeHostKey(alone, place, rsa), { kind: "changed", expected: [{ algorithm, key }] });
    // Without a key that was expected, none has changed.
    await judgeAsSsh(["missing", `@revoked ${alone}`, place, rsa]);
  });

  it("reads around white space, comments, blank lines and both line ends", async () => {
    const known = line("example.com", ed25519).replaceAll(" ", "\t  ");
    await judgeAsSsh(
      ["match", `# a comment\r\n\r\n  \t${known}\t a comment \r\n#${line("example.com", rsa)}`],
      ["missing", `# ${line("example.com", ed25519)}`],
      ["missing", line("#,example.com", ed25519)],
      ["match", `${line("example.com", ed25519)}\r\n`],
    );
  });

  it("finds no key in a line whose key is none, and keeps reading", async () => {
    const broken = [
      `example.com ssh-rsa ${ed25519.key}`,
      `example.com ssh-ed25519 ${ed25519.key.slice(0, -4)}`,
      `example.com ssh-ed25519 ${ed25519.key}AAAA`,
      `example.com ${ed25519.key}`,
      "example.com",
      `example.com unknown ${ed25519.key}`,
      `|1|bad|hash ssh-ed25519 ${ed25519.key}`,
    ];
    for (const text of broken) assert.equal(judgeHostKey(text, HERE, ed25519).kind, "missing", text);
    await judgeAsSsh(
      ["missing", broken.join("\n")],
      ["match", [...broken, line("example.com", ed25519)].join("\n")],
    );
  });
});

describe("judgeHostKey, as ssh-keygen -F", () => {
  const NAMES = [
    "example.com",
    "a.example.com",
    "a.b.example.com",
    "bad.example.com",
    "example.org",
    "xexample.com",
    "example.comx",
    "aaaaaaaaab",
    "192.0.2.7",
    "[example.com]:2222",
    "[a.example.com]:2222",
  ];
  const PATTERNS = [
    "example.com",
    "EXAMPLE.COM",
    "*",
    "*.example.com",
    "*.Example.com,!bad.example.com",
    "!bad.example.com,*.example.com",
    "!*.example.com,*",
    "!example.org",
    "ex?mple.com",
    "?example.com",
    "example.com?",
    "example.com*",
    "example.org,example.com,192.0.2.?",
    "**.com",
    "*a*a*a*b",
    "*a*a*a*c",
    "192.0.2.*",
    "[*.example.com]:2222",
    "[example.com]:*",
    "[e]xample.com",
    "*:2222",
    "example.com,",
    ",",
    "!",
    "example.*,!*.com",
    "example.comm",
  ];

  it("matches patterns and their negation", async () => {
    const path = await save(PATTERNS.map((pattern) => line(pattern, ed25519)).join("\n"));
    const find = async (name: string): Promise<readonly (string | undefined)[]> => {
      const found = await sshKeygen("-F", name, "-f", path);
      return [...found.matchAll(/found: line (\d+)/g)].map((match) => PATTERNS[Number(match[1]) - 1]);
    };
    const asked = await Promise.all(
      NAMES.map(async (name) => {
        // Unlike ssh, ssh-keygen does not fall back to the host without its port.
        const found = new Set([...(await find(name)), ...(await find(placeOf(name).host))]);
        return PATTERNS.filter((pattern) => found.has(pattern));
      }),
    );
    const judged = NAMES.map((name) =>
      PATTERNS.filter(
        (pattern) => judgeHostKey(line(pattern, ed25519), placeOf(name), ed25519).kind === "match",
      ),
    );
    assert.deepEqual(judged, asked);
    assert.equal(asked.flat().length, 61);
  });

  it("knows hashed names", async () => {
    const path = await save(
      [line("Example.com", ed25519), line("[example.com]:2222", rsa), line("192.0.2.7", otherEd25519)].join(
        "\n",
      ),
    );
    await sshKeygen("-H", "-f", path);
    const hashed = await readFile(path, "utf8");
    await rm(`${path}.old`);
    assert.equal(hashed.match(/^\|1\|/gm)?.length, 3);
    await judgeAsSsh(
      ["match", hashed, { host: "EXAMPLE.com", port: 22 }],
      ["changed", hashed, HERE, rsa],
      ["match", hashed, { host: "example.com", port: 2222 }, rsa],
      ["match", hashed, { host: "192.0.2.7", port: 22 }, otherEd25519],
      ["missing", hashed, { host: "192.0.2.8", port: 22 }, otherEd25519],
      ["revoked", hashed.replaceAll(/^\|1\|/gm, "@revoked |1|")],
    );
  });

  function placeOf(name: string): SshPlace {
    const [, host, port] = /^\[(.*)\]:(\d+)$/.exec(name) ?? [];
    return host === undefined ? { host: name, port: 22 } : { host, port: Number(port) };
  }
});

describe("hostKeyAlgorithmsFor", () => {
  it("names the signatures of the stored types in OpenSSH's order", () => {
    const text = [rsa, ...ecdsa.toReversed(), ed25519].map((key) => line("example.com", key)).join("\n");
    assert.deepEqual(hostKeyAlgorithmsFor(`${text}\nexample.com ${DSA.line}`, HERE), [
      "ssh-ed25519",
      "ecdsa-sha2-nistp256",
      "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521",
      "rsa-sha2-512",
      "rsa-sha2-256",
      "ssh-rsa",
      "ssh-dss",
    ]);
  });

  it("passes over other hosts, revoked keys and certificate authorities", () => {
    const text = `${line("example.org", ed25519)}\n@revoked ${line("*", ed25519)}\n@cert-authority ${line("*", ed25519)}`;
    assert.deepEqual(hostKeyAlgorithmsFor(text, HERE), []);
    assert.deepEqual(hostKeyAlgorithmsFor(`${text}\n${line("example.com", rsa)}`, HERE), [
      "rsa-sha2-512",
      "rsa-sha2-256",
      "ssh-rsa",
    ]);
  });
});

describe("describeKeys", () => {
  it("gives what ssh-keygen -l gives, and the line", async () => {
    const keys = [rsa, ed25519, ...ecdsa];
    const text = ["# a comment", ...keys.map((key) => line("example.com", key)), "no key"].join("\r\n");
    const path = await save(text);
    const described = describeKeys(text);
    const show = (name: "fingerprint" | "fingerprint_sha256", prefix: string) =>
      described
        .map((key) => `${key.bits} ${prefix}${key[name]} example.com (${key.type.toUpperCase()})\n`)
        .join("");
    assert.equal(show("fingerprint_sha256", ""), await sshKeygen("-l", "-f", path));
    assert.equal(show("fingerprint", "MD5:"), await sshKeygen("-l", "-E", "md5", "-f", path));
    assert.deepEqual(
      described.map(({ index }) => index),
      [1, 2, 3, 4, 5],
    );
  });

  it("knows DSA too", () => {
    assert.deepEqual(describeKeys(`\nexample.com ${DSA.line}`), [
      { bits: 1024, fingerprint: DSA.md5, fingerprint_sha256: DSA.sha256, type: "dsa", index: 1 },
    ]);
  });

  it("leaves marked lines out: they are the keys of no host", () => {
    assert.deepEqual(describeKeys(`@revoked ${line("*", ed25519)}\n@cert-authority ${line("*", rsa)}`), []);
  });
});

describe("formatKnownHost", () => {
  it("writes the line under which the key is found", () => {
    for (const place of [HERE, { host: "example.com", port: 2222 }, { host: "2001:db8::1", port: 22 }]) {
      assert.equal(judgeHostKey(formatKnownHost(place, ed25519), place, ed25519).kind, "match");
    }
    assert.equal(formatKnownHost({ host: "::1", port: 2222 }, rsa), line("[::1]:2222", rsa));
  });
});

describe("cleanKnownHosts and haveHostKeysChanged", () => {
  it("drop comments, blank lines and repetitions, and sort", () => {
    assert.equal(cleanKnownHosts("b x y\r\n\r\n# c\n \na x y\n  # d\nb x y\n"), "a x y\nb x y");
    assert.equal(cleanKnownHosts("# nothing\n"), "");
  });

  it("see past the order, not past a key", () => {
    assert.equal(haveHostKeysChanged("a 1\nb 2\n", "# new\r\nb 2\r\na 1\r\na 1"), false);
    assert.equal(haveHostKeysChanged("a 1\nb 2", "a 1"), true);
    assert.equal(haveHostKeysChanged("a 1", "a 2"), true);
    assert.equal(haveHostKeysChanged("", "\n"), false);
  });
});
