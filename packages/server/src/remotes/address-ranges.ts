import { BlockList, isIPv4, isIPv6 } from "node:net";

type Range = readonly [network: string, prefix: number, family: "ipv4" | "ipv6"];
type Rule = { readonly reason: string; readonly list: BlockList };

/** Also told for the machine's own addresses, whatever range they are in. */
const LOCALHOST = "Requests to localhost are not allowed";
const LOCAL_NETWORK = "Requests to the local network are not allowed";

/**
 * GitLab's reasons in GitLab's order: the first that fits any address of a host is the one told. Deviation: ranges
 * that GitLab has no word for and that lead to no public host (this network, multicast, reserved, benchmarking, the
 * relays of 6to4) are refused too, under the nearest reason; so is all of IPv6 that is not given out to public hosts.
 */
const RULES: readonly Rule[] = [
  rule(LOCALHOST, [
    ["0.0.0.0", 8, "ipv4"],
    ["::", 128, "ipv6"],
  ]),
  rule("Requests to loopback addresses are not allowed", [
    ["127.0.0.0", 8, "ipv4"],
    ["::1", 128, "ipv6"],
  ]),
  rule(LOCAL_NETWORK, [
    ["10.0.0.0", 8, "ipv4"],
    ["172.16.0.0", 12, "ipv4"],
    ["192.168.0.0", 16, "ipv4"],
    ["192.0.0.0", 24, "ipv4"],
    ["192.88.99.0", 24, "ipv4"],
    ["198.18.0.0", 15, "ipv4"],
    ["224.0.0.0", 4, "ipv4"],
    ["fc00::", 7, "ipv6"],
    ["fec0::", 10, "ipv6"],
    ["ff00::", 8, "ipv6"],
    ["2001:2::", 48, "ipv6"],
  ]),
  rule("Requests to the link local network are not allowed", [
    ["169.254.0.0", 16, "ipv4"],
    ["fe80::", 10, "ipv6"],
    // The platform service of each virtual machine in Azure, beside the one at 169.254.169.254.
    ["168.63.129.16", 32, "ipv4"],
  ]),
  rule("Requests to the shared address space are not allowed", [["100.64.0.0", 10, "ipv4"]]),
  rule("Requests to the limited broadcast address are not allowed", [["255.255.255.255", 32, "ipv4"]]),
  // After the broadcast address, which lies inside it and has its own reason.
  rule(LOCAL_NETWORK, [["240.0.0.0", 4, "ipv4"]]),
];

/**
 * Why a host with these addresses may not be spoken to when local requests are off; null: it may. One bad address is
 * enough. `ownAddresses` are those of this machine's interfaces. Anything that is no IP address is refused; a zone id
 * is not part of one.
 */
export function refusalOf(addresses: readonly string[], ownAddresses: ReadonlySet<string>): string | null {
  const plain = addresses.map((address) => shorten(address.replace(/%.*$/, "")));
  const reached = plain.flatMap((address) => [address, ...embeddedIpv4(address)]);
  if (reached.some((address) => ownAddresses.has(address))) return LOCALHOST;
  for (const { reason, list } of RULES) {
    if (reached.some((address) => list.check(address, isIPv4(address) ? "ipv4" : "ipv6"))) return reason;
  }
  return plain.every((address) => isIPv4(address) || isPublicIpv6(address)) ? null : LOCAL_NETWORK;
}

/** As interfaces name it. The attack: this machine's own `2001:db8::7`, written `2001:db8:0:0:0:0:0:7`. */
function shorten(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

/** The attack: `::ffff:127.0.0.1`, or `64:ff9b::7f00:1` behind a translator, leads where `127.0.0.1` does. */
function embeddedIpv4(address: string): readonly string[] {
  if (!isIPv6(address)) return [];
  const groups = groupsOf(address);
  const last = ipv4Of(groups[6], groups[7]);

  // ::a.b.c.d (compatible; `::` and `::1` are addresses of their own), ::ffff:0:a.b.c.d (translated)
  if (startsWith(groups, 0, 0, 0, 0, 0, 0)) return groups[6] === 0 ? [] : [last];
  if (startsWith(groups, 0, 0, 0, 0, 0xffff, 0)) return [last];
  if (isIpv4InIpv6(groups)) return [last];
  // NAT64 of a site's own
  if (startsWith(groups, 0x64, 0xff9b, 1)) return [last];
  // 6to4
  if (groups[0] === 0x2002) return [ipv4Of(groups[1], groups[2])];
  // Teredo: its server, and the client with all bits flipped
  if (startsWith(groups, 0x2001, 0)) {
    return [ipv4Of(groups[2], groups[3]), ipv4Of((groups[6] ?? 0) ^ 0xffff, (groups[7] ?? 0) ^ 0xffff)];
  }
  // ISATAP, below any prefix; the bit tells whether the IPv4 address is a public one
  if (groups[5] === 0x5efe && ((groups[4] ?? 0) & ~0x0200) === 0) return [last];
  return [];
}

/** `::ffff:a.b.c.d` and NAT64's `64:ff9b::a.b.c.d`: nothing but another way to write an IPv4 address. */
function isIpv4InIpv6(groups: readonly number[]): boolean {
  return startsWith(groups, 0, 0, 0, 0, 0, 0xffff) || startsWith(groups, 0x64, 0xff9b, 0, 0, 0, 0);
}

/** Of IPv6, `2000::/3` is what public hosts have; the rest is special, private or not given out. */
function isPublicIpv6(address: string): boolean {
  if (!isIPv6(address)) return false;
  const groups = groupsOf(address);
  return isIpv4InIpv6(groups) || (groups[0] ?? 0) >> 13 === 1;
}

function startsWith(groups: readonly number[], ...start: readonly number[]): boolean {
  return start.every((group, index) => groups[index] === group);
}

/** The eight 16-bit groups of an address in its short form. */
function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const parse = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return parse(head);
  const [left, right] = [parse(head), parse(tail)];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function ipv4Of(high = 0, low = 0): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

function rule(reason: string, ranges: readonly Range[]): Rule {
  const list = new BlockList();
  for (const [network, prefix, family] of ranges) list.addSubnet(network, prefix, family);
  return { reason, list };
}
