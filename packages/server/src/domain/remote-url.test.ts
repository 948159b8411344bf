import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { HeliostatError } from "./errors.ts";
import { hostOf, isSameServer, maskUrl, parseRemoteUrl, portOf, sameRemote, schemeOf } from "./remote-url.ts";

const run = promisify(execFile);

const url = (text: string) => parseRemoteUrl(text).url;

function reasonFor(text: string, options: { allowLocalPath?: boolean } = {}): string {
  try {
    parseRemoteUrl(text, options);
  } catch (error) {
    assert.ok(error instanceof HeliostatError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return "accepted";
}

const INVALID = "url-invalid: URI is invalid";
const BAD_SCHEME = "url-blocked: Only allowed schemes are http, https, ssh, git";
const BAD_USER = "url-blocked: Username needs to start with an alphanumeric character";
const BAD_HOST = "url-blocked: Hostname or IP address invalid";

describe("parseRemoteUrl keeps the URL byte for byte", () => {
  for (const text of [
    "https://example.com/group/project.git",
    "https://example.com/Group/Project",
    "https://EXAMPLE.com/group/project/",
    "https://example.com:443/group/project.git",
    "https://example.com",
    "https://example.com./a",
    "http://example.com:8080//a/./b/../c",
    "https://example.com/a%2Fb%0a.git",
    "https://example.com/größe.git",
    "https://example.com/cgit?r=x",
    "https://under_score.example.com/a",
    "https://[2001:db8::1]/a.git",
    "https://[::ffff:192.0.2.1]:8443/a.git",
    "http://192.0.2.1/a.git",
    "git://example.com/a.git",
    "git://example.com:9418/~user/a.git",
    "ssh://example.com/a.git",
    "ssh://git@example.com:2222/a.git",
    "ssh://git@[2001:db8::1]:22/a.git",
  ]) {
    it(text, () => assert.equal(url(text), text));
  }
});

describe("parseRemoteUrl takes credentials out", () => {
  const cases: [text: string, url: string, username: string | null, password: string | null][] = [
    ["https://user:secret@example.com/a", "https://example.com/a", "user", "secret"],
    ["https://user@example.com:8443/a", "https://example.com:8443/a", "user", null],
    ["https://:token@example.com/a", "https://example.com/a", null, "token"],
    ["https://token:@example.com/a", "https://example.com/a", "token", null],
    ["https://us%40er:p%3a%2F%25%20w@example.com/a", "https://example.com/a", "us@er", "p:/% w"],
    ["https://user:p@ss@example.com/a", "https://example.com/a", "user", "p@ss"],
    ["https://user:a:b@example.com/a", "https://example.com/a", "user", "a:b"],
    ["https://user:a+b@example.com/a", "https://example.com/a", "user", "a+b"],
    ["https://user:100%@example.com/a", "https://example.com/a", "user", "100%"],
    ["https://user:%zz%41@example.com/a", "https://example.com/a", "user", "%zzA"],
    ["https://jos%C3%A9:gr%C3%BC%C3%9Fe@example.com/a", "https://example.com/a", "josé", "grüße"],
    ["https://émile:x@example.com/a", "https://example.com/a", "émile", "x"],
    ["https://user:secret@[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a", "user", "secret"],
    // Git's own protocol has no authentication; GitLab takes such a URL too, and then stumbles over the host.
    ["git://user:secret@example.com/a", "git://example.com/a", "user", "secret"],
    // The user is part of an ssh address.
    ["ssh://git:secret@example.com/a", "ssh://git@example.com/a", "git", "secret"],
    ["ssh://a%40b@example.com/a", "ssh://a%40b@example.com/a", "a@b", null],
  ];
  for (const [text, stored, username, password] of cases) {
    it(text, () => {
      assert.deepEqual(parseRemoteUrl(text), { url: stored, username, password, hadUserinfo: true });
    });
  }

  it("finds none in a URL without them, nor in empty ones, nor behind the host", () => {
    for (const text of ["https://example.com/a", "https://@example.com/a", "https://:@example.com/a"]) {
      assert.deepEqual(parseRemoteUrl(text), {
        url: "https://example.com/a",
        username: null,
        password: null,
        hadUserinfo: false,
      });
    }
    assert.equal(parseRemoteUrl("https://example.com/a@b:c").url, "https://example.com/a@b:c");
  });

  it("gives back any user name and password that was percent-encoded, and keeps neither in the URL", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((s) => !/\p{Cc}/u.test(s));
    fc.assert(
      fc.property(text, text, (name, password) => {
        const username = `u${name}`;
        const userinfo = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
        assert.deepEqual(parseRemoteUrl(`https://${userinfo}@example.com/a.git`), {
          url: "https://example.com/a.git",
          username,
          password,
          hadUserinfo: true,
        });
      }),
    );
  });
});

describe("parseRemoteUrl stores an international host in its xn-- form", () => {
  const cases: [string, string][] = [
    ["https://bücher.example/a.git", "https://xn--bcher-kva.example/a.git"],
    ["https://BÜCHER.example:8443/a.git", "https://xn--bcher-kva.example:8443/a.git"],
    ["https://user:secret@straße.example/a", "https://xn--strae-oqa.example/a"],
    ["git://例え。テスト/a", "git://xn--r8jz45g.xn--zckzah/a"],
    ["ssh://git@пример.example/a", "ssh://git@xn--e1afmkfd.example/a"],
    ["git@bücher.example:a", "ssh://git@xn--bcher-kva.example/a"],
    ["https://ｅxample.com/a", "https://example.com/a"],
    ["https://Example.com/bücher", "https://Example.com/bücher"],
  ];
  for (const [text, stored] of cases) it(text, () => assert.equal(url(text), stored));
});

describe("parseRemoteUrl reads user@host:path as ssh", () => {
  const cases: [string, string][] = [
    ["git@example.com:group/project.git", "ssh://git@example.com/group/project.git"],
    ["git@example.com:/srv/project.git", "ssh://git@example.com/srv/project.git"],
    ["git@example.com:~me/project", "ssh://git@example.com/~me/project"],
    ["git@example.com:2222/project", "ssh://git@example.com/2222/project"],
    ["first.last@[2001:db8::1]:a", "ssh://first.last@[2001:db8::1]/a"],
    ["git@example.com:a%20b#c?d", "ssh://git@example.com/a%2520b%23c%3Fd"],
    ["git@example.com:with space/and  two.git", "ssh://git@example.com/with%20space/and%20%20two.git"],
  ];
  for (const [text, stored] of cases) {
    it(text, () => {
      const parsed = parseRemoteUrl(text);
      assert.equal(parsed.url, stored);
      assert.deepEqual([parsed.password, parsed.hadUserinfo], [null, true]);
      assert.equal(parsed.username, text.split("@")[0]);
    });
  }
});

describe("parseRemoteUrl refuses", () => {
  const cases: [text: string, reason: string][] = [
    // schemes and transport helpers
    ["", BAD_SCHEME],
    ["ftp://example.com/a", BAD_SCHEME],
    ["file:///srv/a.git", BAD_SCHEME],
    ["HTTPS://example.com/a", BAD_SCHEME],
    ["ext::sh -c evil", BAD_SCHEME],
    ["ext::ssh@example.com:a", BAD_SCHEME],
    ["fd::17", BAD_SCHEME],
    ["http::https://example.com/a", BAD_SCHEME],
    ["transport::https://example.com/a", BAD_SCHEME],
    ["git+ssh://example.com/a", BAD_SCHEME],
    ["constructor://example.com/a", BAD_SCHEME],
    ["//example.com/a", BAD_SCHEME],
    ["/srv/a.git", BAD_SCHEME],
    ["./a.git", BAD_SCHEME],
    ["example.com/a.git", BAD_SCHEME],
    ["example.com:a.git", BAD_SCHEME],
    ["localhost:8080/a", BAD_SCHEME],
    ["--upload-pack=evil", BAD_SCHEME],
    ["-x@example.com:a", BAD_SCHEME],
    ["https:example.com", BAD_SCHEME],
    ["https:/example.com", BAD_SCHEME],
    // what is no URL
    ["https://", INVALID],
    ["https:///a", INVALID],
    ["https://user@/a", INVALID],
    ["https://example.com/a\r\nHost: evil", INVALID],
    ["https://example.com/a\n", INVALID],
    ["https://example.com/a\0", INVALID],
    ["https://example.com/a b", INVALID],
    [" https://example.com/a", BAD_SCHEME],
    ["https://example.com/a ", INVALID],
    ["https://example.com/a\u00a0", INVALID],
    ["https://example.com/a\ud800", INVALID],
    ["https://good.example\\@evil.example/a", INVALID],
    ["https://example.com/a#readme", INVALID],
    ["ssh://example.com/a%0d%0ab", INVALID],
    ["git://example.com/a%0Ab", INVALID],
    ["git://example.com/a%00b", INVALID],
    ["https://user:a%0ab@example.com/", INVALID],
    ["https://us%0aer@example.com/", INVALID],
    ["https://user:%ff@example.com/", INVALID],
    // ports
    ["https://example.com:0/a", INVALID],
    ["https://example.com:65536/a", INVALID],
    ["https://example.com:/a", INVALID],
    ["https://example.com:80a/a", INVALID],
    ["https://example.com:-1/a", INVALID],
    ["https://user:pa/ss@example.com/a", INVALID],
    // users
    ["https://-user@example.com/a", BAD_USER],
    ["ssh://-oProxyCommand=x@example.com/a", BAD_USER],
    ["ssh://%2DoProxyCommand=x@example.com/a", BAD_USER],
    ["https://_user:x@example.com/a", BAD_USER],
    // hosts
    ["ssh://-oProxyCommand=x/a", BAD_HOST],
    ["ssh://git@-oProxyCommand=x/a", BAD_HOST],
    ["git@-oProxyCommand=x:a", BAD_HOST],
    ["ssh://%2DoProxyCommand=x/a", BAD_HOST],
    ["https://.example.com/a", BAD_HOST],
    ["https://exa..mple.com/a", BAD_HOST],
    ["https://exa%6dple.com/a", BAD_HOST],
    // Found by fuzzing: git reads other hosts in these than we did.
    ["git://example.com?.evil.example/a", INVALID],
    ["git@example.com?.evil.example:a", INVALID],
    ["git@example.com: a.git", INVALID],
    ["git@example.com:a.git ", INVALID],
    ["git@example.com:a\u00a0b.git", INVALID],
    ["git@example.com:a\tb.git", INVALID],
    ["git@example.com:a\\b.git", INVALID],
    ["git@exa mple.com:a.git", INVALID],
    ["ssh://git@example.com/a b.git", INVALID],
    ["ssh://a@[evil.example]@example.com/a", INVALID],
    ["ssh://evil.example%2f@example.com/a", INVALID],
    ["https://example.com,evil.example/a", BAD_HOST],
    ["https://ex ample.com/a", INVALID],
    ["https://１２７.0.0.1/a", BAD_HOST],
    ["https://１２７。０。０。１/a", BAD_HOST],
    ["https://127。0。0。1/a", BAD_HOST],
    ["https://０x7f000001/a", BAD_HOST],
    ["https://①②⑦.⓪.⓪.①/a", BAD_HOST],
    ["https://２１３０７０６４３３/a", BAD_HOST],
    ["https://example.com／.evil.example/a", BAD_HOST],
    ["https://example.com＠evil.example/a", BAD_HOST],
    ["https://example.com：80/a", BAD_HOST],
    ["https://℀.example/a", BAD_HOST],
    ["https://⑴.example/a", BAD_HOST],
    ["https://exa\u00admple.com/a", BAD_HOST],
    ["https://exa\u200bmple.com/a", BAD_HOST],
    ["https://a\u200db.example/a", BAD_HOST],
    ["https://\u202eexample.com/a", BAD_HOST],
    ["https://1א.example/a", BAD_HOST],
    ["https://bücher..example/a", BAD_HOST],
    ["ssh://git@－oProxyCommand=x/a", BAD_HOST],
    ["ssh://git@－x.example/a", BAD_HOST],
    ["https://*.example.com/a", BAD_HOST],
    ["https://[::1/a", INVALID],
    ["https://[]/a", BAD_HOST],
    ["https://[example.com]/a", BAD_HOST],
    ["https://[fe80::1%25eth0]/a", BAD_HOST],
    ["https://2130706433/a", BAD_HOST],
    ["https://127.1/a", BAD_HOST],
    ["https://0x7f.0.0.1/a", BAD_HOST],
    ["https://0177.0.0.1/a", BAD_HOST],
    ["https://127.0.0.0x1/a", BAD_HOST],
    ["https://127.0.0.1./a", BAD_HOST],
    ["https://256.0.0.1/a", BAD_HOST],
    ["https://1.2.3.4.5/a", BAD_HOST],
    [`https://${"a".repeat(1025)}/a`, "url-blocked: Host is too long (maximum is 1024 characters)"],
  ];
  for (const [text, reason] of cases) {
    it(`${JSON.stringify(text.slice(0, 60))} with "${reason}"`, () => assert.equal(reasonFor(text), reason));
  }

  it("nothing for being long: a host of 1024 characters passes", () => {
    assert.equal(reasonFor(`https://${"a".repeat(1024)}/a`), "accepted");
  });

  it("without repeating the URL, which may hold a secret", () => {
    assert.doesNotMatch(reasonFor("https://user:hidden@exa mple.com/"), /hidden/);
  });
});

describe("parseRemoteUrl with allowLocalPath", () => {
  it("takes an absolute path as it is, and URLs as ever", () => {
    assert.deepEqual(parseRemoteUrl("/srv/a b:c.git", { allowLocalPath: true }), {
      url: "/srv/a b:c.git",
      username: null,
      password: null,
      hadUserinfo: false,
    });
    assert.equal(
      parseRemoteUrl("https://u:p@example.com/a", { allowLocalPath: true }).url,
      "https://example.com/a",
    );
  });

  it("refuses relative paths, file URLs and line breaks", () => {
    const allowed = { allowLocalPath: true };
    assert.equal(reasonFor("a.git", allowed), BAD_SCHEME);
    assert.equal(reasonFor("-x", allowed), BAD_SCHEME);
    assert.equal(reasonFor("file:///srv/a", allowed), BAD_SCHEME);
    assert.equal(reasonFor("/srv/a\nb", allowed), INVALID);
    assert.equal(reasonFor("/srv/a", { allowLocalPath: false }), BAD_SCHEME);
  });
});

describe("parseRemoteUrl against git and the WHATWG parser", () => {
  it("sees the host that the WHATWG parser sees, whatever the characters", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "a",
        "example.com",
        "@",
        ":",
        "/",
        "//",
        "\\",
        "?",
        "#",
        "%40",
        "%2f",
        "[",
        "]",
        "::1",
        ".",
        "-",
        "80",
        "127.0.0.1",
        " ",
        "\t",
        "ü",
      ),
      fc.string({ unit: "binary", maxLength: 2 }),
    );
    const scheme = fc.constantFrom("http", "https");
    fc.assert(
      fc.property(scheme, fc.array(piece, { maxLength: 8 }), (name, pieces) => {
        const text = `${name}://${pieces.join("")}`;
        if (reasonFor(text) !== "accepted") return;
        const stored = url(text);
        const theirs = new URL(text);
        assert.equal(hostOf(stored), theirs.hostname.replaceAll(/[[\]]/g, ""));
        assert.equal(portOf(stored), Number(theirs.port) || (name === "http" ? 80 : 443));
        assert.equal(new URL(stored).hostname, theirs.hostname);
        assert.equal(new URL(stored).username + new URL(stored).password, "");
      }),
      { numRuns: 5000 },
    );
  });

  it("leads git to the same user, host, port and path in the scp form as in the stored one", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "remote-url-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    await run("git", ["init", "-q", "--bare", dir]);
    // Prints what git would connect to, and connects to nothing.
    const diagnose = async (remote: string) => {
      const { stdout } = await run("git", ["-C", dir, "fetch-pack", "--diag-url", remote]);
      return stdout.replace(/^Diag: url=.*\n/, "");
    };
    for (const text of [
      "git@example.com:/srv/a.git",
      "git@example.com:/srv/100%25/a.git",
      "git@example.com:~me/a.git",
      "git@example.com:/srv/with space.git",
      "first.last@[2001:db8::1]:/srv/a.git",
    ]) {
      assert.equal(await diagnose(url(text)), await diagnose(text));
    }
  });
});

describe("parts of a URL", () => {
  it("tells scheme, host and port, the default ones too", () => {
    const parts = (text: string) => [schemeOf(url(text)), hostOf(url(text)), portOf(url(text))];
    assert.deepEqual(parts("http://Example.COM/a"), ["http", "example.com", 80]);
    assert.deepEqual(parts("https://example.com/a:1"), ["https", "example.com", 443]);
    assert.deepEqual(parts("ssh://git@example.com/a"), ["ssh", "example.com", 22]);
    assert.deepEqual(parts("git://example.com/a"), ["git", "example.com", 9418]);
    assert.deepEqual(parts("https://[2001:DB8::1]:8443/a"), ["https", "2001:db8::1", 8443]);
  });

  it("knows a local path, which has no host", () => {
    const path = parseRemoteUrl("/srv/a.git", { allowLocalPath: true }).url;
    assert.equal(schemeOf(path), "file");
    assert.throws(() => hostOf(path), { code: "bug" });
    assert.throws(() => portOf(path), { code: "bug" });
  });
});

describe("isSameServer", () => {
  const url = (text: string) => parseRemoteUrl(text).url;
  for (const [before, after, isSame] of [
    ["https://example.com/a.git", "https://example.com/b.git", true],
    ["https://example.com/a.git", "https://EXAMPLE.com:443/a.git", true],
    ["ssh://git@example.com/a", "ssh://other@example.com:22/b", true],
    ["http://example.com/a", "https://example.com/a", true],
    ["https://example.com/a", "http://example.com/a", false],
    ["http://example.com:8080/a", "https://example.com/a", false],
    ["https://example.com/a", "https://example.com:8443/a", false],
    ["ssh://git@example.com/a", "ssh://git@example.com:2222/a", true],
    ["https://example.com/a", "https://example.org/a", false],
    ["ssh://git@example.com/a", "git://example.com/a", false],
  ] as const) {
    it(`${isSame ? "is" : "is not"} ${after} for what was ${before}`, () => {
      assert.equal(isSameServer(url(before), url(after)), isSame);
    });
  }
});

describe("sameRemote", () => {
  const same = (a: string, b: string) => {
    const [one, other] = [a, b].map((text) => parseRemoteUrl(text, { allowLocalPath: true }).url);
    assert.ok(one !== undefined && other !== undefined);
    assert.equal(sameRemote(one, other), sameRemote(other, one));
    return sameRemote(one, other);
  };

  it("looks past credentials, the case of the host and a default port", () => {
    assert.ok(same("https://a:b@example.com/x", "https://EXAMPLE.com:443/x"));
    assert.ok(same("ssh://git@example.com/x", "ssh://bob@example.com:22/x"));
    assert.ok(same("git@example.com:x", "ssh://example.com/x"));
    assert.ok(same("/srv/a", "/srv/a"));
  });

  it("keeps apart what may be two places", () => {
    assert.ok(!same("https://example.com/x", "http://example.com/x"));
    assert.ok(!same("https://example.com/x", "https://example.com/X"));
    assert.ok(!same("https://example.com/x", "https://example.com/x.git"));
    assert.ok(!same("https://example.com/x", "https://example.com:8443/x"));
    assert.ok(!same("https://example.com/x", "https://example.org/x"));
    assert.ok(!same("/srv/a", "/srv/b"));
    assert.ok(!same("/srv/a", "https://example.com/srv/a"));
  });
});

describe("maskUrl", () => {
  const mask = (text: string) => {
    const { url: stored, username, password, hadUserinfo } = parseRemoteUrl(text, { allowLocalPath: true });
    return maskUrl(stored, { hadUserinfo, username, hasPassword: password !== null });
  };

  it("shows that there was a user and a password, not which", () => {
    assert.equal(
      mask("https://user:secret@example.com:443/A.git"),
      "https://*****:*****@example.com:443/A.git",
    );
    assert.equal(mask("https://token@example.com/a"), "https://*****@example.com/a");
    assert.equal(mask("https://:token@example.com/a"), "https://:*****@example.com/a");
    assert.equal(mask("ssh://bob@example.com/a"), "ssh://*****@example.com/a");
  });

  it("leaves the user git readable", () => {
    assert.equal(mask("ssh://git@example.com/a"), "ssh://git@example.com/a");
    assert.equal(mask("git@example.com:a"), "ssh://git@example.com/a");
    assert.equal(mask("https://git:secret@example.com/a"), "https://git:*****@example.com/a");
  });

  it("adds none to a URL that came without, even when a user is stored", () => {
    assert.equal(mask("https://example.com/a"), "https://example.com/a");
    const stored = { hadUserinfo: false, username: "user", hasPassword: true };
    assert.equal(maskUrl(url("https://example.com/a"), stored), "https://example.com/a");
  });

  it("shows nothing of credentials that are gone", () => {
    const gone = { hadUserinfo: true, username: null, hasPassword: false };
    assert.equal(maskUrl(url("https://example.com/a"), gone), "https://example.com/a");
  });

  it("has nothing to mask in a local path", () => {
    assert.equal(mask("/srv/a.git"), "/srv/a.git");
  });
});
