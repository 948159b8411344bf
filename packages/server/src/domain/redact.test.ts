import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { redact } from "./redact.ts";

describe("redact masks userinfo in URLs", () => {
  const cases: [text: string, masked: string][] = [
    ["fatal: https://user:pw@example.com/a failed", "fatal: https://*****:*****@example.com/a failed"],
    ["'https://user:p@w@example.com/'", "'https://*****:*****@example.com/'"],
    ["https://a:b:c@example.com", "https://*****:*****@example.com"],
    ["https://token@example.com/a", "https://*****@example.com/a"],
    ["https://:token@example.com/a", "https://:*****@example.com/a"],
    ["1https://user:pw@a/ weird+scheme://user:pw@b", "1https://*****:*****@a/ weird+scheme://*****:*****@b"],
    ["https://user:\"p'w@example.com", "https://*****:*****@example.com"],
    ["ssh://git@example.com/a", "ssh://git@example.com/a"],
    ["https://example.com/a?b=c@d and mail@example.com", "https://example.com/a?b=c@d and mail@example.com"],
    ["https://@example.com/a", "https://@example.com/a"],
    ["https://example.com/a", "https://example.com/a"],
    ["postgres://app:pw@db:5432/x\nhttps://u:p@h", "postgres://*****:*****@db:5432/x\nhttps://*****:*****@h"],
  ];
  for (const [text, masked] of cases) {
    it(JSON.stringify(text), () => assert.equal(redact(text, []), masked));
  }
});

describe("redact masks secrets", () => {
  it("as they are, everywhere, whatever characters they are made of", () => {
    assert.equal(redact("a s3cr.t b s3cr.t", ["s3cr.t"]), "a ***** b *****");
    assert.equal(redact("a s3crXt b", ["s3cr.t"]), "a s3crXt b");
    assert.equal(redact("x $& $1 y", ["$& $1"]), "x ***** y");
    assert.equal(redact("[(\\d+)]*", ["(\\d+)"]), "[*****]*");
  });

  it("percent-encoded, in either case and as a form", () => {
    const secret = "p/w ü+~!'";
    for (const encoded of [
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase(),
      new URLSearchParams([["", secret]]).toString().slice(1),
      "p/w%20ü%2b%7E%21%27",
      "%70%2f%77+%c3%BC+~!'",
    ]) {
      assert.equal(redact(`password=${encoded}&x=1`, [secret]), "password=*****&x=1");
    }
  });

  it("escaped as in JSON, whatever the writer escapes", () => {
    const secret = 'p"w\\x/\té😀';
    for (const escaped of [
      JSON.stringify(secret).slice(1, -1),
      'p\\"w\\\\x\\/\\t\\u00e9\\uD83D\\ude00',
      "\\u0070\\u0022w\\u005Cx/\\u0009é😀",
    ]) {
      assert.equal(redact(`{"password":"${escaped}"}`, [secret]), '{"password":"*****"}');
    }
  });

  it("escaped as in HTML, by name and by number", () => {
    const secret = `a&b<c>"d'é`;
    for (const escaped of [
      "a&amp;b&lt;c&gt;&quot;d&apos;é",
      "a&#38;b&#60;c&#62;&#34;d&#39;&#233;",
      "&#x61;&#x26;b&#x3C;c&#x3e;&#x0022;d&#039;&#xE9;",
      `a&amp;b&lt;c&gt;"d'é`,
    ]) {
      assert.equal(redact(`<p>${escaped}</p>`, [secret]), "<p>*****</p>");
    }
  });

  it("in a time that does not grow with the number of ways to read a text", () => {
    const hard = ["\\", "&", "%", '"'].map((character) => `${character.repeat(40)}x`);
    for (const secret of hard) {
      const text = `${"\\".repeat(2_000)}${"&amp;".repeat(400)}${"%25".repeat(700)}${'\\"'.repeat(1_000)}`;
      assert.equal(redact(text, [secret]), text);
    }
  });

  it("in base64, with or without padding, and in its URL form", () => {
    const secret = "s3cret??>>";
    const basic = `user:${secret}`;
    const encode = (text: string) => Buffer.from(text).toString("base64");
    assert.equal(redact(`token ${encode(secret)}.`, [secret]), "token *****.");
    assert.equal(redact(`token ${encode(secret).replace(/=+$/, "")}.`, [secret]), "token *****.");
    assert.equal(redact(`t=${Buffer.from(secret).toString("base64url")}.`, [secret]), "t=*****.");
    assert.equal(
      redact(`Authorization: Basic ${encode(basic)}`, [secret, basic]),
      "Authorization: Basic *****",
    );
  });

  it("in base64 behind and before something else, as in the middle of a header", () => {
    const secret = "s3cret??>>of the remote";
    for (const before of ["", "u", "ur", "user:", "\0user\0"]) {
      for (const behind of ["", "x", "xy", "\n\n"]) {
        for (const form of ["base64", "base64url"] as const) {
          const masked = redact(`t ${Buffer.from(`${before}${secret}${behind}`).toString(form)}.`, [secret]);
          assert.match(masked, /^t [\w+/]{0,8}\*{5}[\w+/=]{0,6}\.$/);
        }
      }
    }
  });

  it("in hexadecimal, in either case", () => {
    const hex = Buffer.from("s3cret").toString("hex");
    assert.equal(redact(`<${hex}> <${hex.toUpperCase()}>`, ["s3cret"]), "<*****> <*****>");
  });

  it("of many lines, such as keys, line by line and as one", () => {
    const lines = ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "AAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz", "c2gtZWQ="];
    const key = ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
    assert.equal(redact(`bad key: ${key}!`, [key]), "bad key: *****!");
    assert.equal(redact(lines.join(""), [key]), "*****");
    assert.equal(redact(`line 2: ${lines[1]}; frame: -----END`, [key]), "line 2: *****; frame: -----END");
    assert.equal(redact(JSON.stringify(key), [key.replaceAll("\n", "\r\n")]).includes("AAAEbm9u"), false);
  });

  it("escaped as in JSON, by any encoder", () => {
    const secret = 'p"w/x\\y&ü😀';
    for (const escaped of [
      JSON.stringify(secret).slice(1, -1),
      JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/").replaceAll("&", "\\u0026"),
      "p\\u0022w/x\\u005Cy&\\u00fc\\ud83d\\uDE00",
    ]) {
      assert.equal(redact(`{"token":"${escaped}"}`, [secret]), '{"token":"*****"}');
    }
  });

  it("escaped as in HTML, by name or number", () => {
    const secret = `a<b>&"c'd`;
    for (const escaped of ["a&lt;b&gt;&amp;&quot;c&#39;d", "a&#60;b&#x3E;&#38;&#x22;c&apos;d"]) {
      assert.equal(redact(`<p>${escaped}</p>`, [secret]), "<p>*****</p>");
    }
  });

  it("however long they are", () => {
    const secret = "s3cr.t/+ü".repeat(20_000);
    for (const encoded of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
      assert.equal(redact(`token ${encoded}.`, [secret]), "token *****.");
    }
  });

  it("before URLs, so that a password with a slash hides its user too", () => {
    assert.equal(redact("https://user:pa/ss@example.com/", ["pa/ss"]), "https://*****:*****@example.com/");
  });

  it("as a whole where one contains another", () => {
    assert.equal(redact("abcdef abc", ["abc", "abcdef"]), "***** *****");
    assert.equal(redact("abcdef abc", ["abcdef", "abc"]), "***** *****");
  });

  it("but not when they are empty or too short to be told from ordinary text", () => {
    assert.equal(redact("fatal: a bad day", ["", "a", "ba"]), "fatal: a bad day");
    assert.equal(redact("https://a:b@example.com", ["b"]), "https://*****:*****@example.com");
  });

  it("and leaves the caller's list alone", () => {
    const secrets = Object.freeze(["abc", "abcdef"]);
    redact("abcdef", secrets);
    assert.deepEqual(secrets, ["abc", "abcdef"]);
  });
});

describe("redact on random secrets", () => {
  const secret = fc.string({ unit: "binary", minLength: 3, maxLength: 20 }).filter((s) => !s.includes("*"));
  const encode = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => encodeURIComponent(text),
    (text) => new URLSearchParams([["", text]]).toString().slice(1),
    (text) => Buffer.from(text).toString("base64"),
    (text) => Buffer.from(text).toString("base64url"),
    (text) => JSON.stringify(text).slice(1, -1),
  );

  it("leaves none of them in the text, in any encoding", () => {
    fc.assert(
      fc.property(secret, encode, fc.string(), fc.string(), (hidden, encoding, before, after) => {
        const masked = redact(`${before} ${encoding(hidden)} ${after}`, [hidden]);
        assert.ok(!masked.includes(encoding(hidden)), masked);
        assert.ok(masked.includes("*****"));
      }),
    );
  });

  it("finds nothing more the second time", () => {
    fc.assert(
      fc.property(secret, fc.string(), (hidden, text) => {
        const once = redact(`${text}${hidden}${text}`, [hidden]);
        assert.equal(redact(once, [hidden]), once);
      }),
    );
  });

  it("stays linear on long hostile text", () => {
    const text = `${"://a".repeat(50_000)}${"a".repeat(200_000)}${"%25".repeat(50_000)}`;
    const startedAt = performance.now();
    redact(text, ["%25%25%25%25%25%25%25%25x", "aaaaaaaaaaaaaaaab"]);
    assert.ok(performance.now() - startedAt < 5_000);
  });
});
