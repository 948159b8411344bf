/** A URL that no mirror may have, and why. */
export interface HostileUrl {
  readonly url: string;
  /** GitLab's reason, as it follows `is blocked: `. */
  readonly reason: string;
  /** What the attack is. */
  readonly attack: string;
  /** What DNS answers for the URL's host, where that is a name. */
  readonly addresses?: readonly string[];
  /** Only mirrors of this direction may not have it. */
  readonly direction?: "pull";
}

const SCHEMES = "Only allowed schemes are http, https, ssh, git";
const INVALID = "URI is invalid";
const USER = "Username needs to start with an alphanumeric character";
const HOST = "Hostname or IP address invalid";
const LONG = "Host is too long (maximum is 1024 characters)";
const UNKNOWN = "Host cannot be resolved or invalid";
const LOCALHOST = "Requests to localhost are not allowed";
const LOOPBACK = "Requests to loopback addresses are not allowed";
const LOCAL = "Requests to the local network are not allowed";
const LINK_LOCAL = "Requests to the link local network are not allowed";
const SHARED = "Requests to the shared address space are not allowed";
const BROADCAST = "Requests to the limited broadcast address are not allowed";
const PORTS = "Only allowed ports are 22, 80, 443, and any over 1024";

function every(reason: string, cases: Readonly<Record<string, string>>): readonly HostileUrl[] {
  return Object.entries(cases).map(([url, attack]) => ({ url, reason, attack }));
}

/** Literal addresses, each as the host of a URL. */
function literal(reason: string, cases: Readonly<Record<string, string>>): readonly HostileUrl[] {
  return Object.entries(cases).map(([address, attack], index) => {
    const host = address.includes(":") ? `[${address}]` : address;
    const scheme = ["http", "https", "git"][index % 3];
    return { url: `${scheme}://${host}/a.git`, reason, attack };
  });
}

/** Names that everybody may register, with what DNS answers for them. */
function named(
  reason: string,
  cases: Readonly<Record<string, readonly [string, ...string[]]>>,
): readonly HostileUrl[] {
  return Object.entries(cases).map(([host, [attack, ...addresses]]) => ({
    url: `https://${host}/a.git`,
    reason,
    attack,
    addresses,
  }));
}

export const HOSTILE_URLS: readonly HostileUrl[] = [
  ...every(SCHEMES, {
    "file:///etc/passwd": "a file of the server",
    "file://localhost/srv/a.git": "a file of the server, by its name",
    "FILE:///etc/passwd": "in capitals",
    "/etc/passwd": "a path of the server",
    "../../other/project.git": "a path beside the project",
    "ext::sh -c touch% /tmp/owned": "a command, by git's ext transport",
    "ext::git-upload-pack@x:a": "the same, in the form of ssh",
    "fd::17": "a descriptor of the server",
    "fd::3/x": "the same with a name",
    "http::https://example.com/a": "another transport program",
    "HTTPS://example.com/a.git": "a transport program in capitals",
    "git+ssh://example.com/a.git": "an old name of ssh",
    "ssh+git://example.com/a.git": "another one",
    "ftp://example.com/a.git": "ftp",
    "ftps://example.com/a.git": "ftps",
    "sftp://example.com/a.git": "sftp",
    "gopher://127.0.0.1:6379/_INFO": "gopher, which speaks to anything",
    "dict://127.0.0.1:11211/stat": "dict, the same",
    "ldap://127.0.0.1/a": "ldap",
    "smb://fileserver/share": "a file share",
    "javascript://example.com/%0aalert(1)": "a script, for who clicks it",
    "data:text/plain,hello": "data",
    "jar:http://example.com/a!/": "a scheme in a scheme",
    "constructor://example.com/a": "a name that every JavaScript object has",
    "//127.0.0.1/a.git": "no scheme",
    "example.com/a.git": "no scheme, a name",
    "127.0.0.1:a.git": "the form of ssh without a user",
    "--upload-pack=touch /tmp/owned": "an option of git",
    "-oProxyCommand=x@example.com:a": "an option of ssh as user",
    "https:example.com/a.git": "no slashes",
    "https:/127.0.0.1/a.git": "one slash",
  }),
  ...every(INVALID, {
    "https://git.example/a.git?private_token=secret": "a token that every answer and log would show",
    "git://git.example/a.git?x": "git takes a query for a part of the path",
    "https://": "nothing",
    "https:///a.git": "no host",
    "https://user@/a.git": "a user, no host",
    "https://:443/a.git": "a port, no host",
    "https://example.com:0/a.git": "port 0",
    "https://example.com:65536/a.git": "a port that wraps to 0",
    "https://example.com:65616/a.git": "a port that wraps to 80",
    "https://example.com:+80/a.git": "a port with a sign",
    "https://example.com:8 0/a.git": "a port with white space",
    "https://example.com:/a.git": "an empty port",
    "https://example.com:80:80/a.git": "two ports",
    "https://example.com:80@127.0.0.1:x/a.git": "a host that looks like a password",
    "https://example.com\\@127.0.0.1/a.git": "a backslash: which is the host?",
    "https://127.0.0.1\\.example.com/a.git": "a backslash that some read as a slash",
    "https://example.com/a.git\\..\\b": "backslashes in the path",
    "https://example.com/a.git#@127.0.0.1/": "a fragment",
    "https://example.com#@127.0.0.1/a.git": "a fragment before the path",
    "https://exa mple.com/a.git": "white space in the host",
    "https://example.com/a\tb.git": "a tab, which browsers drop",
    "https://127.0.\n0.1/a.git": "a line break, which browsers drop",
    "https://example.com/a.git\r\nHost: 127.0.0.1": "a line of its own in the request",
    "https://example.com/a.git ": "white space at the end",
    "https://example.com/\u00a0a.git": "white space that cannot be seen",
    "git://example.com/a%0d%0ahost=127.0.0.1": "an encoded line break, which git decodes",
    "git://example.com/a%00host=127.0.0.1": "an encoded NUL: another virtual host",
    "ssh://git@example.com/a%0aProxyCommand": "an encoded line break for ssh",
    "https://user:a%0d%0ab@example.com/a.git": "a line break in the password",
    "https://u%0aser:b@example.com/a.git": "a line break in the user name",
    "https://user:%ff@example.com/a.git": "a password that is no text",
    "https://[::1/a.git": "half a bracket",
    "https://::1/a.git": "an IPv6 address without brackets",
    "https://[::1]127.0.0.1/a.git": "two hosts",
    "https://[::1]:80:80/a.git": "two ports behind brackets",
    "https://[::1]./a.git": "a dot behind brackets",
  }),
  ...every(USER, {
    "https://-user:x@example.com/a.git": "a user that is an option",
    "ssh://-oProxyCommand=touch@example.com/a.git": "an option of ssh as user",
    "ssh://%2DoProxyCommand=touch@example.com/a.git": "the same, encoded",
    "https://_user@example.com/a.git": "a user that begins with a sign",
    "https://%20user@example.com/a.git": "one that begins with white space",
  }),
  ...every(HOST, {
    "ssh://-oProxyCommand=touch/a.git": "a host that is an option of ssh",
    "ssh://git@-oProxyCommand=touch/a.git": "the same behind a user",
    "git@-oProxyCommand=touch:a.git": "the same in the form of ssh",
    "https://-example.com/a.git": "a host that begins with a dash",
    "https://.example.com/a.git": "an empty label",
    "https://example..com/a.git": "an empty label inside",
    "https://./a.git": "nothing but a dot",
    "https://%31%32%37.0.0.1/a.git": "an encoded address",
    "https://127%2e0%2e0%2e1/a.git": "encoded dots",
    "https://localhost%00.example.com/a.git": "an encoded NUL in the name",
    "https://example.com,127.0.0.1/a.git": "a list of hosts",
    "https://$(hostname)/a.git": "a command of the shell",
    "https://*.example.com/a.git": "a wildcard",
    "https://example.com;127.0.0.1/a.git": "a semicolon",
    "https://2130706433/a.git": "127.0.0.1 as one number",
    "https://0x7f000001/a.git": "as one number in hex",
    "https://017700000001/a.git": "as one number in octal",
    "https://0x7f.0x0.0x0.0x1/a.git": "in hex, by parts",
    "https://0177.0.0.1/a.git": "in octal, by parts",
    "https://0177.0x0.0.1/a.git": "in all of them",
    "https://127.1/a.git": "in two parts",
    "https://127.0.1/a.git": "in three parts",
    "https://0/a.git": "0.0.0.0 in one digit",
    "https://127.0.0.1./a.git": "with a dot at the end",
    "https://127.000.000.001/a.git": "with zeros before",
    "https://127.0.0.01/a.git": "with one zero before",
    "https://127.0.0.256/a.git": "a part too large",
    "https://4294967296/a.git": "a number that wraps to 0.0.0.0",
    "https://1.2.3.4.5/a.git": "five parts",
    "https://example.0x7f/a.git": "a name that ends like a number",
    "git://0xa9fea9fe/a.git": "the metadata service in hex",
    "https://[]/a.git": "empty brackets",
    "https://[127.0.0.1]/a.git": "IPv4 in brackets",
    "https://[fe80::1%25eth0]/a.git": "a zone",
    "https://[fe80::1%eth0]/a.git": "a zone, not encoded",
    "https://[v1.127.0.0.1]/a.git": "an address of a later version",
    "https://[1:2:3:4:5:6:7:8:9]/a.git": "nine groups",
    "https://[::ffff:127.1]/a.git": "an embedded address in two parts",
    "https://[::ffff:0x7f.0.0.1]/a.git": "an embedded address in hex",
    "https://１２７.0.0.1/a.git": "full-width digits",
    "https://１２７。０。０。１/a.git": "full-width digits and dots",
    "https://127。0。0。1/a.git": "full-width dots",
    "https://①②⑦.⓪.⓪.①/a.git": "digits in circles",
    "https://０ｘ７ｆ０００００１/a.git": "full-width hex",
    "https://２１３０７０６４３３/a.git": "full-width, as one number",
    "https://example.com／@127.0.0.1：80/a.git": "a full-width colon and slash",
    "https://example.com＃.example.org/a.git": "a full-width fragment",
    "https://℀.example.org/a.git": "a sign that becomes a/c",
    "https://127.0.0.1\u200b/a.git": "a zero-width space behind an address",
    "https://local\u00adhost/a.git": "a soft hyphen that vanishes",
    "https://\u202ehtiw.example/a.git": "text that runs backwards",
    "https://١٢٧.0.0.1/a.git": "Arabic digits",
  }),
  { url: `https://${"a".repeat(1025)}/a.git`, reason: LONG, attack: "a host without end" },
  {
    url: `https://${"ü.".repeat(150)}example/a.git`,
    reason: LONG,
    attack: "a host that grows in its xn-- form",
  },

  ...literal(LOOPBACK, {
    "127.0.0.2": "loopback beside the usual address",
    "127.255.255.254": "the far end of loopback",
    "::ffff:127.0.0.2": "mapped into IPv6",
    "::ffff:7f00:2": "mapped, in hex",
    "0:0:0:0:0:ffff:127.0.0.2": "mapped, not shortened",
    "0000:0000:0000:0000:0000:FFFF:7F00:0002": "mapped, as long as can be",
    "::127.0.0.2": "IPv4-compatible",
    "::ffff:0:127.0.0.2": "IPv4-translated",
    "64:ff9b::127.0.0.2": "behind NAT64",
    "64:ff9b::7f00:2": "behind NAT64, in hex",
    "64:ff9b:1::127.0.0.2": "behind a NAT64 of the site's own",
    "2002:7f00:2::1": "by 6to4",
    "2001:0:7f00:2::1": "a Teredo server",
    "2001:0:808:808:0:0:80ff:fffd": "a Teredo client",
    "2606:4700::5efe:127.0.0.2": "by ISATAP",
    "2606:4700::200:5efe:127.0.0.2": "by ISATAP, marked as global",
  }),
  ...literal(LOCALHOST, {
    "127.0.0.1": "this machine",
    "::1": "this machine in IPv6",
    "0:0:0:0:0:0:0:1": "not shortened",
    "0.0.0.0": "any address, which leads here",
    "0.1.2.3": "this network",
    "::": "any address in IPv6",
    "::ffff:0.0.0.0": "any address, mapped",
    "::ffff:127.0.0.1": "this machine, mapped",
    "64:ff9b::0.0.0.0": "any address behind NAT64",
    "2002:7f00:1::": "this machine by 6to4",
  }),
  ...literal(LOCAL, {
    "10.0.0.1": "private",
    "10.255.255.255": "the end of it",
    "172.16.0.1": "private",
    "172.31.255.255": "the end of it",
    "192.168.0.1": "private: the router at home",
    "192.0.0.192": "metadata of Oracle's cloud",
    "192.88.99.1": "a relay of 6to4",
    "198.18.0.1": "benchmarking",
    "224.0.0.1": "multicast: all hosts",
    "239.255.255.250": "multicast: SSDP",
    "240.0.0.1": "reserved",
    "fc00::1": "private in IPv6",
    "fd00:ec2::254": "metadata of Amazon in IPv6",
    "fd20:ce::254": "metadata of Google in IPv6",
    "fec0::1": "site-local",
    "ff02::1": "multicast in IPv6",
    "ff05::1:3": "multicast: all DHCP servers",
    "100::1": "the discard prefix",
    "200::1": "an overlay network",
    "5f00::1": "segment routing",
    "2001:2::1": "benchmarking in IPv6",
    "4000::1": "not given out",
    "::ffff:10.0.0.1": "private, mapped",
    "64:ff9b::192.168.0.1": "private behind NAT64",
    "64:ff9b:1::8.8.8.8": "a NAT64 of the site's own",
    "2002:c0a8:1::1": "private by 6to4",
    "2001:0:101:101:0:0:f5ff:fffe": "a private Teredo client",
  }),
  ...literal(LINK_LOCAL, {
    "169.254.169.254": "metadata of most clouds",
    "169.254.170.2": "credentials of Amazon's containers",
    "168.63.129.16": "the platform service of Azure",
    "fe80::1": "link-local",
    "FE80:0:0:0:0:0:A9FE:A9FE": "metadata of OpenStack in IPv6",
    "::ffff:169.254.169.254": "metadata, mapped",
    "::ffff:a9fe:a9fe": "metadata, mapped, in hex",
    "64:ff9b::a9fe:a9fe": "metadata behind NAT64",
    "2002:a9fe:a9fe::": "metadata by 6to4",
  }),
  ...literal(SHARED, {
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "metadata of Alibaba",
    "::ffff:100.100.100.200": "the same, mapped",
  }),
  ...literal(BROADCAST, { "255.255.255.255": "everybody", "::ffff:255.255.255.255": "everybody, mapped" }),

  ...named(LOCALHOST, {
    localhost: ["this machine"],
    ｌｏｃａｌｈｏｓｔ: ["this machine, full-width"],
    "localtest.example": ["a public name of this machine", "127.0.0.1"],
    "127.0.0.1.nip.example": ["a service that makes names of addresses", "127.0.0.1"],
    "six.localtest.example": ["a public name of this machine in IPv6", "::1"],
    "zero.example": ["a name for any address", "0.0.0.0"],
    "mixed.example": ["one bad address among good ones", "203.0.113.7", "203.0.113.8", "127.0.0.1"],
    "second-family.example": ["a good IPv4 address, a bad IPv6 one", "203.0.113.7", "::1"],
    "mapped.example": ["a mapped address from DNS", "::ffff:127.0.0.1"],
    "bücher-hier.example": ["an international name of this machine", "127.0.0.1"],
    "dot.localtest.example.": ["a dot at the end", "127.0.0.1"],
  }),
  ...named(LOCAL, {
    "intranet.example": ["a name of the private network", "10.1.2.3"],
    "router.example": ["the router", "192.168.1.1"],
    "unique-local.example": ["private in IPv6", "fd12:3456::1"],
    "sixtofour.example": ["private by 6to4", "2002:a00:1::1"],
    "many.example": ["one private address after thirty public ones", ...publicAddresses(30), "10.0.0.1"],
  }),
  ...named(LINK_LOCAL, {
    "metadata.google.internal": ["metadata of Google, by its name", "169.254.169.254"],
    "metadata.example": ["metadata, by a name of the attacker's", "169.254.169.254"],
    "link-local.example": ["link-local in IPv6", "fe80::a9fe:a9fe"],
  }),
  ...named(SHARED, { "alibaba.example": ["metadata of Alibaba, by a name", "100.100.100.200"] }),
  ...named(UNKNOWN, {
    "no-address.example": ["a name without any address"],
    [`${"a".repeat(64)}.example`]: ["a label that DNS cannot carry"],
  }),

  ...[1, 21, 23, 25, 53, 110, 143, 389, 445, 465, 587, 636, 1023].map((port) => ({
    url: `http://forge.example:${port}/a.git`,
    reason: PORTS,
    attack: "a service that is no web server",
    addresses: ["203.0.113.7"],
    direction: "pull" as const,
  })),
];

function publicAddresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `203.0.113.${index + 1}`);
}
