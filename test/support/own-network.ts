import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeTempDir } from "./repositories.ts";

/** Where names are looked up in a network of one's own: a test starts its DNS server there. */
export const NAME_SERVER = { address: "127.0.0.53", port: 53 } as const;
/** Where names are looked for that are not found as they are. */
export const SEARCH_DOMAIN = "search.example";

const MARK = "HELIOSTAT_TEST_OWN_NETWORK";

/**
 * A network and a view of `/etc` that end with the process. Addresses that no machine has (RFC 5737, RFC 3849) lead to
 * this one, so that a test's server listens at a public address, while it is none of those of the interfaces.
 */
const SET_UP = `
set -e
ip link set lo up
ip route add local 203.0.113.0/24 dev lo
ip -6 route add local 2001:db8::/32 dev lo
for name in resolv.conf nsswitch.conf hosts; do
  if [ -e /etc/$name ]; then mount --bind "$0/$name" "/etc/$name"; fi
done
if [ -d /run/nscd ]; then mount -t tmpfs tmpfs /run/nscd; fi
exec "$@"
`;

const FILES = {
  "resolv.conf": `nameserver ${NAME_SERVER.address}\nsearch ${SEARCH_DOMAIN}\noptions timeout:1 attempts:1\n`,
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  hosts:
    "127.0.0.1 localhost\n::1 localhost\n203.0.113.77 other.example In-Hosts.example # a comment.example\n",
};

/**
 * Declares tests that are to see the DNS server of their own, and public addresses that are theirs: the file is run once
 * more, in a network that begins empty and nobody else sees. Linux only; elsewhere there are none.
 */
export function inOwnNetwork(file: string, declareTests: () => void): void {
  if (process.env[MARK] !== undefined) declareTests();
  else
    test("in a network of their own", { skip: process.platform !== "linux" }, (t) =>
      runInOwnNetwork(t, file),
    );
}

async function runInOwnNetwork(scope: Parameters<typeof makeTempDir>[0], file: string): Promise<void> {
  const etc = await makeTempDir(scope);
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(etc, name), content);
  const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(
    "unshare",
    [...asRoot, "--mount", "--net", "sh", "-c", SET_UP, etc, process.execPath, "--test", file],
    { env: { ...env, [MARK]: "1" }, stdio: ["ignore", "inherit", "inherit"] },
  );
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject).on("close", resolve);
  assert.equal(await promise, 0);
}
