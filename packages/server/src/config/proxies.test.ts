import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chooseProxy,
  maskProxy,
  type ProxySettings,
  type ProxyTarget,
  parseExceptions,
  parseProxy,
} from "./proxies.ts";

const NONE: ProxySettings = { http: null, https: null, all: null, exceptions: [] };

function target(url: string): ProxyTarget {
  const [, scheme = "", host = "", port = ""] = /^(\w+):\/\/\[?([^/]*?)\]?:(\d+)$/.exec(url) ?? [];
  return { scheme: scheme as ProxyTarget["scheme"], host, port: Number(port) };
}

test("a proxy is read in its one spelling", () => {
  assert.equal(parseProxy("proxy.example.com:3128"), "http://proxy.example.com:3128");
  assert.equal(parseProxy("HTTP://Proxy.example.com:3128/"), "http://proxy.example.com:3128");
  assert.equal(parseProxy("socks5h://a%40b:p%3Aw@[::1]:1080"), "socks5h://a%40b:p%3Aw@[::1]:1080");
  assert.equal(parseProxy("https://token@proxy"), "https://token@proxy");
});

const UNFIT: Record<string, RegExp> = {
  "socks4://proxy:1080": /names a SOCKS4 proxy/,
  "socks4a://proxy:1080": /names a SOCKS4 proxy/,
  "socks://proxy:1080": /names a SOCKS4 proxy/,
  "ftp://proxy": /scheme other than/,
  "http://proxy:99999": /is not an address such as/,
  "http://": /is not an address such as/,
  "http://proxy/path": /something behind the host/,
  "http://s3cret%zz@proxy": /write it as %25/,
  "http://a:s3cret%0a@proxy": /write it as %25/,
  [`socks5://a:s3cret${"x".repeat(256)}@proxy`]: /more than 255 bytes/,
};
for (const [text, complaint] of Object.entries(UNFIT)) {
  test(`a proxy that cannot be used is refused: ${text.slice(0, 40)}`, () => {
    assert.throws(
      () => parseProxy(text),
      (error: Error) => complaint.test(error.message) && !error.message.includes("s3cret"),
    );
  });
}

test("a proxy is shown without its user name and password", () => {
  assert.equal(maskProxy(parseProxy("http://ada:s3cret@proxy:3128")), "http://*****:*****@proxy:3128");
  assert.equal(maskProxy(parseProxy("socks5://t0ken@proxy:1080")), "socks5://*****@proxy:1080");
  assert.equal(maskProxy(parseProxy("socks5://proxy:1080")), "socks5://proxy:1080");
});

test("each scheme has its proxy, and what has none goes through the one for all", () => {
  const settings = { ...NONE, http: "http://plain:1", https: "http://secure:2", all: "socks5://all:3" };
  assert.equal(chooseProxy(settings, target("http://a.example:80")), "http://plain:1");
  assert.equal(chooseProxy(settings, target("https://a.example:443")), "http://secure:2");
  assert.equal(chooseProxy(settings, target("ssh://a.example:22")), "socks5://all:3");
  assert.equal(chooseProxy(settings, target("git://a.example:9418")), "socks5://all:3");
  assert.equal(chooseProxy({ ...settings, https: null }, target("https://a.example:443")), "socks5://all:3");
  assert.equal(chooseProxy({ ...settings, all: null }, target("ssh://a.example:22")), null);
  assert.equal(chooseProxy(NONE, target("https://a.example:443")), null);
});

const EXCEPTIONS: readonly [noProxy: string, direct: readonly string[], proxied: readonly string[]][] = [
  ["*", ["https://a.example:443", "ssh://10.0.0.1:22"], []],
  [
    "example.com",
    ["https://example.com:443", "https://git.example.com:8443", "https://example.com.:443"],
    ["https://notexample.com:443", "https://example.com.evil:443"],
  ],
  [
    ".example.com",
    ["https://git.example.com:443", "https://example.com:443"],
    ["https://badexample.com:443"],
  ],
  ["*.example.com", ["https://git.example.com:443"], ["https://badexample.com:443"]],
  ["EXAMPLE.com.", ["https://example.com:443"], []],
  ["git.example.com:8443", ["https://git.example.com:8443"], ["https://git.example.com:443"]],
  ["10.1.2.3", ["https://10.1.2.3:443"], ["https://10.1.2.30:443", "https://a10.1.2.3:443"]],
  ["10.0.0.0/8, 192.168.1.0/24", ["ssh://10.9.9.9:22", "http://192.168.1.9:80"], ["http://192.168.2.9:80"]],
  ["::1", ["https://[::1]:443"], ["https://[::2]:443"]],
  ["[::1]:8443", ["https://[::1]:8443"], ["https://[::1]:443"]],
  ["fd00::/8", ["https://[fd00::7]:443"], ["https://[fe80::7]:443", "https://10.0.0.1:443"]],
  ["::/0", ["https://[fe80::7]:443"], ["https://10.0.0.1:443"]],
  ["a.example b.example\tc.example", ["https://c.example:443"], ["https://d.example:443"]],
  [" , ", [], ["https://a.example:443"]],
];
for (const [noProxy, direct, proxied] of EXCEPTIONS) {
  test(`NO_PROXY=${JSON.stringify(noProxy)} leaves out what it says and nothing else`, () => {
    const settings = { ...NONE, all: "socks5://all:3", exceptions: parseExceptions(noProxy) };
    for (const url of direct) assert.equal(chooseProxy(settings, target(url)), null, url);
    for (const url of proxied) assert.equal(chooseProxy(settings, target(url)), "socks5://all:3", url);
  });
}

test("a range that is none is refused", () => {
  assert.throws(() => parseExceptions("example.com,10.0.0.0/33"), /holds "10.0.0.0\/33", which is no range/);
  assert.throws(() => parseExceptions("example.com/8"), /which is no range/);
});
