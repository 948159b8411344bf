import { lookup, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";

/** DNS has answered, and knows no address. */
const NOT_THERE = new Set(["ENOTFOUND", "ENODATA"]);
/** Twice as long for the second try: 7.5 s in all. */
const PATIENCE = { timeout: 2500, tries: 2 };
const HOSTS_FILE = "/etc/hosts";

/**
 * Every address of a host, as this machine sees it: `/etc/hosts`, then DNS, then whatever else the C library knows to
 * ask (search domains, mDNS). Rejects when there is none.
 *
 * The attack: names whose servers keep silent. The C library blocks a thread for each, and Node lets two threads wait
 * for it, so that the names of all other remotes would wait behind (measured: six such names at a time limit of 1 s
 * held up the seventh for 3 s). DNS is therefore asked without a thread, and the C library only about names that DNS
 * has answered not to know, or that are no matter of DNS.
 */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (!host.includes(".") || (await isInHostsFile(host))) return await askSystem(host);
  // One for each look-up: it reads the machine's settings anew, and remembers nothing.
  const resolver = new Resolver(PATIENCE);
  const [four, six] = await Promise.all([
    addressesOrError(resolver.resolve4(host)),
    addressesOrError(resolver.resolve6(host)),
  ]);
  const found = (hasIpv6Only() ? [six, four] : [four, six]).flatMap(({ addresses }) => addresses);
  if (found.length > 0) return found;
  const failed = [four, six].find(({ code }) => code !== null && !NOT_THERE.has(code));
  if (failed !== undefined) throw failed.error;
  return await askSystem(host);
}

interface Asked {
  readonly addresses: readonly string[];
  readonly error: unknown;
  readonly code: string | null;
}

async function addressesOrError(answer: Promise<readonly string[]>): Promise<Asked> {
  try {
    return { addresses: await answer, error: null, code: null };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    return { addresses: [], error, code };
  }
}

async function askSystem(host: string): Promise<readonly string[]> {
  const answers = await lookup(host, { all: true, order: "verbatim" });
  return answers.map(({ address }) => address);
}

async function isInHostsFile(host: string): Promise<boolean> {
  const text = await readFile(HOSTS_FILE, "utf8").catch(() => "");
  return text.split("\n").some((line) => {
    const [, ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return names.includes(host);
  });
}

/** The first address is tried first. */
function hasIpv6Only(): boolean {
  const outward = Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).filter((at) => !at.internal),
  );
  const isRouted = (address: string) => !/^fe[89ab]/i.test(address);
  return (
    outward.some(({ family, address }) => family === "IPv6" && isRouted(address)) &&
    !outward.some(({ family }) => family === "IPv4")
  );
}
