import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf } from "./address-ranges.ts";

const LOCALHOST = "Requests to localhost are not allowed";
const LOOPBACK = "Requests to loopback addresses are not allowed";
const LOCAL = "Requests to the local network are not allowed";
const LINK_LOCAL = "Requests to the link local network are not allowed";
const SHARED = "Requests to the shared address space are not allowed";
const BROADCAST = "Requests to the limited broadcast address are not allowed";

const NOBODY: ReadonlySet<string> = new Set();

/** Address → reason; null: may be spoken to. Each range by its first and last address and its neighbours. */
const VERDICTS: readonly (readonly [string, string | null])[] = [
  ["0.0.0.0", LOCALHOST],
  ["0.255.255.255", LOCALHOST],
  ["1.0.0.0", null],
  ["9.255.255.255", null],
  ["10.0.0.0", LOCAL],
  ["10.255.255.255", LOCAL],
  ["11.0.0.0", null],
  ["100.63.255.255", null],
  ["100.64.0.0", SHARED],
  ["100.127.255.255", SHARED],
  ["100.128.0.0", null],
  ["126.255.255.255", null],
  ["127.0.0.0", LOOPBACK],
  ["127.0.0.1", LOOPBACK],
  ["127.255.255.255", LOOPBACK],
  ["128.0.0.0", null],
  ["169.253.255.255", null],
  ["169.254.0.0", LINK_LOCAL],
  ["169.254.169.254", LINK_LOCAL],
  ["169.254.255.255", LINK_LOCAL],
  ["169.255.0.0", null],
  ["172.15.255.255", null],
  ["172.16.0.0", LOCAL],
  ["172.31.255.255", LOCAL],
  ["172.32.0.0", null],
  ["192.0.0.0", LOCAL],
  ["192.0.0.255", LOCAL],
  ["192.0.1.0", null],
  ["192.167.255.255", null],
  ["192.168.0.0", LOCAL],
  ["192.168.255.255", LOCAL],
  ["192.169.0.0", null],
  ["198.17.255.255", null],
  ["198.18.0.0", LOCAL],
  ["198.19.255.255", LOCAL],
  ["198.20.0.0", null],
  ["223.255.255.255", null],
  ["224.0.0.1", LOCAL],
  ["239.255.255.255", LOCAL],
  ["240.0.0.0", LOCAL],
  ["255.255.255.254", LOCAL],
  ["255.255.255.255", BROADCAST],
  ["::", LOCALHOST],
  ["::1", LOOPBACK],
  ["0:0:0:0:0:0:0:1", LOOPBACK],
  ["fbff:ffff::1", LOCAL],
  ["fc00::", LOCAL],
  ["fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LOCAL],
  ["fe00::1", LOCAL],
  ["fe80::", LINK_LOCAL],
  ["fe80::1%eth0", LINK_LOCAL],
  ["febf:ffff::1", LINK_LOCAL],
  ["fec0::1", LOCAL],
  ["ff02::1", LOCAL],
  ["100::1", LOCAL],
  ["2606:4700::1111", null],
  // IPv4 inside IPv6
  ["::ffff:127.0.0.1", LOOPBACK],
  ["::ffff:7f00:1", LOOPBACK],
  ["::FFFF:10.1.2.3", LOCAL],
  ["::ffff:100.64.0.1", SHARED],
  ["::ffff:255.255.255.255", BROADCAST],
  ["::ffff:1.1.1.1", null],
  ["::127.0.0.1", LOOPBACK],
  ["::ffff:0:127.0.0.1", LOOPBACK],
  ["64:ff9b::127.0.0.1", LOOPBACK],
  ["64:ff9b::a9fe:a9fe", LINK_LOCAL],
  ["64:ff9b::1.1.1.1", null],
  ["64:ff9b:1::1", LOCALHOST],
  ["64:ff9b:1::808:808", LOCAL],
  ["64:ff9b:1::127.0.0.1", LOOPBACK],
  ["::ffff:0:1.1.1.1", LOCAL],
  ["::1.1.1.1", LOCAL],
  ["64:ff9a::1.1.1.1", LOCAL],
  ["2002:7f00:1::", LOOPBACK],
  ["2002:c0a8:101::1", LOCAL],
  ["2002:101:101::1", null],
  ["2001:0:7f00:1::1", LOOPBACK],
  ["2001:0:101:101:0:0:f5ff:fffe", LOCAL],
  // ISATAP
  ["2606:4700::5efe:10.0.0.1", LOCAL],
  ["2606:4700::200:5efe:127.0.0.1", LOOPBACK],
  ["2606:4700::5efe:1.1.1.1", null],
  ["2606:4700::400:5efe:10.0.0.1", null],
  // What public hosts have in IPv6, and what is beside it
  ["1fff:ffff::1", LOCAL],
  ["2000::1", null],
  ["3fff:ffff::1", null],
  ["4000::1", LOCAL],
  ["5f00::1", LOCAL],
  ["200::1", LOCAL],
  ["2001:2::1", LOCAL],
  ["2001:2:1::1", null],
  // Metadata and platform services of clouds
  ["169.254.170.2", LINK_LOCAL],
  ["168.63.129.16", LINK_LOCAL],
  ["168.63.129.15", null],
  ["168.63.129.17", null],
  ["100.100.100.200", SHARED],
  ["192.0.0.192", LOCAL],
  ["fd00:ec2::254", LOCAL],
  ["fd20:ce::254", LOCAL],
  ["192.88.98.255", null],
  ["192.88.99.1", LOCAL],
  ["192.88.100.0", null],
  ["not an address", LOCAL],
];

test("every range has GitLab's reason, whatever way leads into it", () => {
  for (const [address, reason] of VERDICTS) assert.equal(refusalOf([address], NOBODY), reason, address);
});

test("this machine's own addresses are localhost, also when they are public or embedded", () => {
  const own = new Set(["198.51.100.7", "127.0.0.1"]);
  assert.equal(refusalOf(["198.51.100.7"], own), LOCALHOST);
  assert.equal(refusalOf(["::ffff:198.51.100.7"], own), LOCALHOST);
  assert.equal(refusalOf(["127.0.0.1"], own), LOCALHOST);
  assert.equal(refusalOf(["198.51.100.8"], own), null);
});

test("this machine's own IPv6 addresses are localhost, however they are written", () => {
  const own = new Set(["2001:db8::7"]);
  for (const address of ["2001:db8::7", "2001:DB8:0:0:0:0:0:7", "2001:0db8::0.0.0.7", "2001:db8:0::7%eth0"])
    assert.equal(refusalOf([address], own), LOCALHOST, address);
  assert.equal(refusalOf(["2001:db8::8"], own), null);
});

test("one bad address among good ones is enough, and the first rule that fits is told", () => {
  assert.equal(refusalOf(["1.1.1.1", "10.0.0.1"], NOBODY), LOCAL);
  assert.equal(refusalOf(["100.64.0.1", "127.0.0.1"], NOBODY), LOOPBACK);
});
