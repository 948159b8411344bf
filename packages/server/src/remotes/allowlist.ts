import { BlockList, isIP, isIPv4 } from "node:net";
import { withoutFinalDot } from "../domain/host-name.ts";
import { parseAllowlistEntry } from "../domain/outbound-allowlist.ts";
import { createMemory } from "./memory.ts";

/** Where a request would go: the host of the URL, and one of the addresses that it has. */
interface Destination {
  /** In lower case, an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  readonly address: string;
}

type IsAllowed = (destination: Destination) => boolean;

/** The list changes when an admin says so, and each check of each mirror asks. */
const compiled = createMemory<IsAllowed>(Number.POSITIVE_INFINITY, 1);

/** The admin's list of exempt destinations as a test. What cannot be read is on no list. */
export function compileAllowlist(entries: readonly string[]): IsAllowed {
  const key = entries.join("\n");
  let isAllowed = compiled.get(key);
  if (isAllowed === undefined) {
    isAllowed = compile(entries);
    compiled.set(key, isAllowed);
  }
  return isAllowed;
}

function compile(entries: readonly string[]): IsAllowed {
  const rules = entries.flatMap((text) => {
    const entry = parseAllowlistEntry(text);
    if (entry === null) return [];
    if (entry.kind === "host") {
      return [
        ({ host, port }: Destination) =>
          withoutFinalDot(host) === entry.host && (entry.port ?? port) === port,
      ];
    }
    const { family } = entry;
    const range = new BlockList();
    range.addSubnet(entry.address, entry.prefix, family);
    return [
      ({ address, port }: Destination) => {
        const plain = address.replace(/%.*$/, "");
        // A BlockList takes every IPv4 address to be inside `::/0`; who writes that means IPv6. The other way round is
        // meant: `::ffff:10.0.0.1` leads where `10.0.0.1` does.
        if (isIP(plain) === 0 || (isIPv4(plain) && family === "ipv6")) return false;
        return range.check(plain, isIPv4(plain) ? "ipv4" : "ipv6") && (entry.port ?? port) === port;
      },
    ];
  });
  return (destination) => rules.some((matches) => matches(destination));
}
