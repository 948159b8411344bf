import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import test, { after } from "node:test";
import { promisify } from "node:util";
import { createApi } from "../support/api.ts";
import { declaredRoutes, nameOf } from "../support/declared-routes.ts";
import { createRawClient } from "../support/raw-request.ts";
import { git, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";

/* Requests that no client would send: paths that climb out, framing that proxies read otherwise, bodies without an end. */

const directory = await makeTempDir({ after });
const server = await startServer();
const raw = createRawClient(server.url);
after(async () => {
  raw.close();
  await server.stop();
});
const root = createApi(server);
const token = { "private-token": server.token };
const { id: project } = await root.createProject("hostile", { visibility: "public" });

const quoted = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
const WHO = "Ada <ada@example.com> 1700000000 +0000";
const IMAGE = "<img src=x onerror=alert(1)>.html";
const SCRIPT = "# hi\n<script>alert(1)</script>\n[x](javascript:alert(1))\n";
await git(server.repositoryOf(project), ["fast-import", "--quiet"], {
  input: [
    `commit refs/heads/main\nauthor ${WHO}\ncommitter ${WHO}\n${quoted("<b>first</b>")}`,
    `M 100644 inline README.md\n${quoted(SCRIPT)}`,
    `M 100644 inline ${JSON.stringify(IMAGE)}\n${quoted(SCRIPT)}`,
    `M 100644 inline picture.svg\n${quoted(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)}`,
    `M 120000 inline passwd\n${quoted("/etc/passwd")}`,
    `M 120000 inline etc\n${quoted("/etc")}`,
    `M 120000 inline above\n${quoted("../../../../../../../../etc/passwd")}`,
  ].join(""),
});

const OUTPUT = join(directory, "written");
const OPTIONS = [
  `--output=${encodeURIComponent(OUTPUT)}`,
  `--upload-pack=${encodeURIComponent(`touch ${OUTPUT}`)}`,
  "-h",
];
/** As they stand in a request, byte for byte. */
const HOSTILE = [
  "..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
  "%2e%2e",
  "..",
  "%2e%2e%2f%2e%2e",
  "%00",
  "main%00",
  "..%5c..%5cetc%5cpasswd",
  "%c0%ae%c0%ae%c0%af",
  "%ff",
  "%",
  "a".repeat(8_000),
  "9".repeat(40),
  "-1",
  "2147483648",
  ...OPTIONS,
  "%24(id)%60id%60%3bid",
  "x%0d%0aX-Evil:%20yes",
  "%27%20or%20%271%27=%271",
];

/** Of each kind one, for every parameter of every route: all of them would take minutes. */
const WORST = HOSTILE.filter((value) => /^\.\.%2f|^%2e%2e$|^%00|^a{9}|^-1|^--output|^x%0d|^%$/.test(value));

test("no parameter of a path leads elsewhere, to a fault or into a header", async () => {
  const asked: Promise<void>[] = [];
  for (const route of await declaredRoutes()) {
    const names = route.path.match(/:\w+/g) ?? [];
    for (const name of names) {
      for (const value of WORST) {
        const path = route.path.replace(name, value).replaceAll(/:(\w+)/g, "1");
        asked.push(expectHarmless(route.method, `/api/v4${path}?ref=main`, nameOf(route)));
      }
    }
  }
  for (const value of HOSTILE) {
    for (const path of [
      `/${value}`,
      `/assets/${value}`,
      `/root/${value}.git/info/refs?service=git-upload-pack`,
      `/${value}/hostile.git/info/refs?service=git-upload-pack`,
      `/root/hostile.git/${value}`,
      `/root/hostile.git/objects/${value}`,
      `/root/${value}/-/mirror/ssh_host_keys?ssh_url=${value}`,
      `/api/v4/${value}`,
      `/-/${value}`,
    ]) {
      asked.push(expectHarmless("GET", path, path));
    }
  }
  await Promise.all(asked);
  await expectNothingWritten();
});

test("no ref, path or search reaches git as an option", async () => {
  const routes = (await declaredRoutes()).filter(
    ({ method, path }) => method === "GET" && path.startsWith("/projects/:id/repository"),
  );
  const words = [...["ref", "ref_name", "sha", "from", "to", "path", "search", "regex", "author", "since"]];
  const asked: Promise<void>[] = [];
  for (const { method, path } of routes) {
    const place = path.replace(":id", String(project)).replaceAll(/:\w+/g, "main");
    for (const value of [OPTIONS[0], "..%2f..%2fetc%2fpasswd"]) {
      for (const word of words) {
        const others = words.filter((each) => ["ref", "from", "to"].includes(each) && each !== word);
        const query = [...others.map((each) => `${each}=main`), `${word}=${value}`].join("&");
        asked.push(expectHarmless(method, `/api/v4${place}?${query}`, path));
      }
      asked.push(expectHarmless(method, `/api/v4${place}?refs[]=${value}&refs[]=main`, path));
    }
  }
  await Promise.all(asked);
  for (const value of HOSTILE) {
    for (const [kind, name] of [
      ["branches", "branch"],
      ["tags", "tag_name"],
    ] as const) {
      for (const body of [
        { [name]: decode(value), ref: "main" },
        { [name]: "x", ref: decode(value) },
      ]) {
        const path = `/api/v4/projects/${project}/repository/${kind}`;
        const answer = await raw.ask("POST", path, { headers: token, body: JSON.stringify(body) });
        assert(answer.status < 500, `${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
      }
    }
  }
  await expectNothingWritten();
});

test("what is in a repository is text to a browser, and a link leads nowhere", async () => {
  const at = `/api/v4/projects/${project}/repository`;
  const encoded = encodeURIComponent(IMAGE);
  for (const [path, content] of [
    [`${at}/files/README.md/raw?ref=main`, SCRIPT],
    [`${at}/files/${encoded}/raw?ref=main`, SCRIPT],
    [`${at}/files/picture.svg/raw?ref=main`, null],
    [`${at}/files/passwd/raw?ref=main`, "/etc/passwd"],
    [`${at}/files/above/raw?ref=main`, "../../../../../../../../etc/passwd"],
  ] as const) {
    const { status, headers, text } = await raw.ask("GET", path);
    assert.equal(status, 200, path);
    if (content !== null) assert.equal(text, content);
    assert.match(String(headers["content-type"]), /^(text\/plain|application\/octet-stream)/, path);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.match(String(headers["content-security-policy"]), /default-src 'none'.*sandbox/);
    assert.match(String(headers["content-disposition"]), /^(inline|attachment); filename/);
    assert.doesNotMatch(String(headers["content-disposition"]), /[<>]/);
  }
  for (const path of ["etc%2fpasswd", "etc%2fhostname", "passwd%2f..%2fREADME.md"]) {
    assert.equal((await raw.ask("GET", `${at}/files/${path}?ref=main`)).status, 404, path);
  }
  for (const path of ["tree", `commits`, `files/${encoded}?ref=main`]) {
    const { headers } = await raw.ask("GET", `${at}/${path}`);
    assert.deepEqual(
      [headers["content-type"], headers["x-content-type-options"]],
      ["application/json", "nosniff"],
    );
  }
  const answer = await fetch(`${server.url}${at}/archive.tar`);
  const input = Buffer.from(await answer.arrayBuffer());
  const listing = promisify(execFile)("tar", ["-tvf", "-"]);
  listing.child.stdin?.end(input);
  const { stdout } = await listing;
  assert.match(
    stdout,
    /^l.*\/passwd -> \/etc\/passwd$/m,
    "it is a link in the archive too, not what it names",
  );
  assert.doesNotMatch(input.toString("latin1"), /root:.*:0:0:/);
});

const HEAD = "Host: x\r\nConnection: close\r\n";
const GET_VERSION = `GET /api/v4/version HTTP/1.1\r\nHost: x\r\nPRIVATE-TOKEN: ${server.token}\r\n\r\n`;
const JSON_HEAD = `${HEAD}Content-Type: application/json\r\n`;

for (const [what, bytes] of Object.entries({
  "two lengths": `POST /users/sign_in HTTP/1.1\r\n${JSON_HEAD}Content-Length: 2\r\nContent-Length: ${GET_VERSION.length}\r\n\r\n{}`,
  "a length and chunks": `POST /users/sign_in HTTP/1.1\r\n${JSON_HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "chunks that are not last": `POST /users/sign_in HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  "a length with a sign": `POST /users/sign_in HTTP/1.1\r\n${JSON_HEAD}Content-Length: +2\r\n\r\n{}`,
  "a space before the colon": `POST /users/sign_in HTTP/1.1\r\n${JSON_HEAD}Content-Length : 2\r\n\r\n{}`,
  "a chunk that is longer than a number": `POST /users/sign_in HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
  "a line feed alone in a header": `GET /api/v4/version HTTP/1.1\r\n${HEAD}X-A: b\nX-C: d\r\n\r\n`,
  "a carriage return alone in a header": `GET /api/v4/version HTTP/1.1\r\n${HEAD}X-A: b\rX-C: d\r\n\r\n`,
  "a NUL in a header": `GET /api/v4/version HTTP/1.1\r\n${HEAD}X-A: b\0c\r\n\r\n`,
  "no host": "GET /api/v4/version HTTP/1.1\r\nConnection: close\r\n\r\n",
  "a space in the path": `GET /api/v4/version x HTTP/1.1\r\n${HEAD}\r\n`,
  "no HTTP at all": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
})) {
  test(`${what}: refused, and what follows is no request`, async () => {
    const answers = await exchange(bytes + GET_VERSION);
    assert(answers.length > 0);
    for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 4\d\d /);
  });
}

test("a body that nobody reads is no request either", async () => {
  const inner = GET_VERSION;
  for (const head of [
    "POST /root/hostile.git/git-upload-pack HTTP/1.1\r\nContent-Type: text/plain",
    "POST /root/nowhere.git/git-receive-pack HTTP/1.1\r\nContent-Type: application/x-git-receive-pack-request",
    "POST /api/v4/nowhere HTTP/1.1\r\nContent-Type: text/plain",
    "PUT /api/v4/version HTTP/1.1\r\nContent-Type: application/json",
    "POST /users/sign_in HTTP/1.1\r\nContent-Type: text/plain",
    "GET /api/v4/projects HTTP/1.1\r\nContent-Type: text/plain",
    "GET /root/hostile.git/info/refs?service=git-upload-pack HTTP/1.1\r\nX: y",
    "GET / HTTP/1.1\r\nX: y",
  ]) {
    const answers = await exchange(`${head}\r\n${HEAD}Content-Length: ${inner.length}\r\n\r\n${inner}`);
    assert.equal(answers.length, 1, `${head}\n${answers.join("\n----\n")}`);
    assert.doesNotMatch(answers[0] ?? "", /"version"/, head);
  }
});

test("neither an absolute target nor a strange host comes back in an answer", async () => {
  for (const [target, host] of [
    ["http://evil.example/api/v4/projects?per_page=1", "x"],
    ["/api/v4/projects?per_page=1", 'evil"><script>'],
    ["/api/v4/projects?per_page=1", "evil.example/path?query#fragment"],
    ["/api/v4/projects?per_page=1", "user:evil@evil"],
    ["/api/v4/projects?per_page=1", "[::1"],
    ["/api/v4/projects?per_page=1", "evil:example:999999"],
    ["//evil.example/api/v4/projects", "x"],
    ["*", "x"],
  ] as const) {
    const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nPRIVATE-TOKEN: ${server.token}\r\nConnection: close\r\n\r\n`;
    const [answer = ""] = await exchange(request);
    assert.match(answer, /^HTTP\/1\.1 [24]\d\d /, `${target} ${host}: ${answer}`);
    assert.doesNotMatch(answer, /evil/, `${target} ${host}`);
  }
});

test("a body beyond the limit is refused before it has come, and the connection ends", async () => {
  const filler = "x".repeat(64 * 1024);
  for (const path of ["/api/v4/projects", "/users/sign_in"]) {
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nPRIVATE-TOKEN: ${server.token}\r\nContent-Type: application/json\r\n`;
    const [announced = ""] = await exchange(`${head}Content-Length: 999999999\r\n\r\n{`);
    assert.match(announced, /^HTTP\/1\.1 413 [\s\S]*connection: close/i, path);
    const chunk = `${filler.length.toString(16)}\r\n${filler}\r\n`;
    const [streamed = ""] = await exchange(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(40)}`);
    assert.match(streamed, /^HTTP\/1\.1 413 /, path);
  }
  const [long = ""] = await exchange(`GET /api/v4/version HTTP/1.1\r\nHost: x\r\nX: ${filler}\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 /);
});

async function expectHarmless(method: string, path: string, what: string): Promise<void> {
  const { status, headers, text } = await raw.ask(method, path, {
    headers: token,
    ...(method === "GET" ? {} : { body: "{}" }),
  });
  assert(status < 500, `${what}: ${method} ${path.slice(0, 200)}: ${status} ${text}`);
  assert.doesNotMatch(text, /root:.*:0:0:/, what);
  assert(!("x-evil" in headers), what);
}

async function expectNothingWritten(): Promise<void> {
  assert.deepEqual(await readdir(directory), []);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Sends these bytes and answers what comes back until the server closes the connection: each answer by itself. */
async function exchange(bytes: string): Promise<readonly string[]> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  // The server may close before it has read everything: what it said is here by then, or the assertion tells.
  socket.on("error", () => {});
  socket.write(bytes, "latin1");
  await new Promise((resolve) => socket.once("close", resolve));
  return text.split(/(?=HTTP\/1\.1 \d{3} )/).filter((answer) => answer !== "");
}
