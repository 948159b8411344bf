import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { UseCases } from "../app/use-cases.ts";
import { HeliostatError } from "../domain/errors.ts";
import { createInMemoryUseCases, SECRETS } from "./test-support/in-memory-use-cases.ts";
import { type RunningServer, startServer } from "./test-support/start-server.ts";

const JSON_TYPE = { "content-type": "application/json" };
const API = "/api/v4";

describe("what clients demand of every route", () => {
  let server: RunningServer;
  let projectId: number;
  let mirrorId: number;
  const token = SECRETS.api;

  before(async () => {
    server = await startServer(createInMemoryUseCases());
    const project = await server.ask("POST", `${API}/projects`, {
      token,
      headers: JSON_TYPE,
      body: '{"name":"a b"}',
    });
    projectId = project.json<{ id: number }>().id;
    const mirror = await server.ask("POST", `${API}/projects/${projectId}/remote_mirrors`, {
      token,
      headers: JSON_TYPE,
      body: JSON.stringify({ url: "https://u:p@example.org/x.git", enabled: true }),
    });
    mirrorId = mirror.json<{ id: number }>().id;
  });
  after(async () => await server[Symbol.asyncDispose]());

  test("the content type is application/json and nothing behind it, on success and on error", async () => {
    for (const path of ["/user", "/projects", "/projects/none", "/nothing/at/all"]) {
      const answer = await server.ask("GET", API + path, { token });
      assert.equal(answer.headers["content-type"], "application/json", path);
    }
    const created = await server.ask("POST", `${API}/projects`, {
      token,
      headers: JSON_TYPE,
      body: '{"name":"ct"}',
    });
    assert.equal(created.status, 201);
    assert.equal(created.headers["content-type"], "application/json");
  });

  test("an empty body with a JSON content type is no body, on any method", async () => {
    const one = `${API}/projects/${projectId}/remote_mirrors/${mirrorId}`;
    const asked: [string, string, number][] = [
      ["GET", `${API}/user`, 200],
      ["HEAD", `${API}/user`, 200],
      ["POST", `${one}/sync`, 204],
      ["PUT", one, 200],
      ["POST", `${API}/projects`, 400],
    ];
    for (const [method, path, status] of asked) {
      for (const extra of [{}, { "content-length": "0" }]) {
        const answer = await server.ask(method, path, { token, headers: { ...JSON_TYPE, ...extra } });
        assert.equal(answer.status, status, `${method} ${path}`);
      }
    }
  });

  test("{}, null and JSON that is no object are bodies without parameters", async () => {
    for (const body of ["{}", "null", "[]", '"x"', " {} \n"]) {
      const answer = await server.ask(
        "POST",
        `${API}/projects/${projectId}/remote_mirrors/${mirrorId}/sync`,
        {
          token,
          headers: JSON_TYPE,
          body,
        },
      );
      assert.equal(answer.status, 204, body);
    }
  });

  test("a DELETE may have a body, and 204 has neither body nor content type", async () => {
    const made = await server.ask("POST", `${API}/projects/${projectId}/remote_mirrors`, {
      token,
      headers: JSON_TYPE,
      body: '{"url":"https://example.org/delete.git"}',
    });
    const { id } = made.json<{ id: number }>();
    const answer = await server.ask("DELETE", `${API}/projects/${projectId}/remote_mirrors/${id}`, {
      token,
      headers: JSON_TYPE,
      body: "{}",
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.text, "");
    assert.equal(answer.headers["content-type"], undefined);
  });

  test("bad JSON is 400 with an error", async () => {
    const answer = await server.ask("POST", `${API}/projects`, { token, headers: JSON_TYPE, body: "{" });
    assert.equal(answer.status, 400);
    assert.deepEqual(Object.keys(answer.json()), ["error"]);
  });

  test("parameters come from query, JSON, form and multipart alike", async () => {
    const boundary = "----b";
    const multipart = ["name", "from-multipart"];
    const forms: [string, string, Record<string, string>, string][] = [
      ["from-query", "?name=from-query", JSON_TYPE, "{}"],
      ["from-json", "", { "content-type": "application/json; charset=UTF-8" }, '{"name":"from-json"}'],
      ["from-form", "", { "content-type": "application/x-www-form-urlencoded" }, "name=from-form"],
      ["from-plain", "", {}, "name=from-plain"],
      [
        "from-multipart",
        "",
        { "content-type": `multipart/form-data; boundary=${boundary}` },
        `--${boundary}\r\nContent-Disposition: form-data; name="${multipart[0]}"\r\n\r\n${multipart[1]}\r\n--${boundary}--\r\n`,
      ],
    ];
    for (const [name, query, headers, body] of forms) {
      const answer = await server.ask("POST", `${API}/projects${query}`, { token, headers, body });
      assert.equal(answer.status, 201, `${name}: ${answer.text}`);
      assert.equal(answer.json()["name"], name);
    }
  });

  test("path parameters are routed raw and decoded once, however they are escaped", async () => {
    for (const path of [
      "grp%2Fsub.x%2Fa%20b",
      "grp%2Fsub%2Ex%2Fa%20b",
      "grp%2fsub.x%2fa%20b",
      "%67rp%2Fsub.x%2Fa%20b",
      String(projectId),
    ]) {
      const answer = await server.ask("GET", `${API}/projects/${path}`, { token });
      assert.equal(answer.status, 200, path);
      assert.equal(answer.json()["path_with_namespace"], "grp/sub.x/a b");
      const deeper = await server.ask("GET", `${API}/projects/${path}/remote_mirrors`, { token });
      assert.equal(deeper.status, 200, path);
    }
    const twice = await server.ask("GET", `${API}/projects/grp%252Fsub.x%252Fa%2520b`, { token });
    assert.equal(twice.status, 404);
    assert.deepEqual(twice.json(), { message: "404 Project Not Found" });
    for (const name of ["release%2F*", "release%2F%2A"]) {
      const url = `${API}/projects/${projectId}/protected_branches/${name}`;
      await server.ask("DELETE", url, { token });
      await server.ask("POST", `${API}/projects/${projectId}/protected_branches?name=release%2F*`, { token });
      const found = await server.ask("GET", url, { token });
      assert.equal(found.json()["name"], "release/*");
    }
  });

  test("long parameters, doubled and trailing slashes are served; nothing redirects", async () => {
    const long = await server.ask("GET", `${API}/projects/${"g%2F".repeat(900)}p`, { token });
    assert.equal(long.status, 404);
    assert.deepEqual(long.json(), { message: "404 Project Not Found" });
    for (const path of [`/${API}/user`, `${API}//user`, `${API}/user/`, `//api//v4//user//`]) {
      const answer = await server.ask("GET", path, { token });
      assert.equal(answer.status, 200, path);
    }
  });

  test("a path that decodes to nothing is 400, in JSON", async () => {
    for (const path of ["%zz", "%E0%A4%A"]) {
      const answer = await server.ask("GET", `${API}/projects/${path}`, { token });
      assert.equal(answer.status, 400, path);
      assert.equal(answer.headers["content-type"], "application/json");
    }
    const nul = await server.ask("GET", `${API}/projects/a%00b`, { token });
    assert.equal(nul.status, 400);
    assert.deepEqual(nul.json(), { error: "id is invalid" });
  });

  test("an unknown route is 404, a known path with another verb 405", async () => {
    for (const path of ["/api", "/api/v4", "/api/v3/user", `${API}/nothing`]) {
      const answer = await server.ask("GET", path, { token });
      assert.equal(answer.status, 404, path);
      assert.deepEqual(answer.json(), { error: "404 Not Found" });
    }
    for (const method of ["PATCH", "DELETE", "OPTIONS"]) {
      const answer = await server.ask(method, `${API}/projects`, { token });
      assert.equal(answer.status, 405, method);
      assert.deepEqual(answer.json(), { error: "405 Not Allowed" });
      assert.equal(answer.headers.allow, "GET, HEAD, POST");
    }
  });

  test("HEAD answers like GET, without a body", async () => {
    const get = await server.ask("GET", `${API}/projects?per_page=1`, { token });
    const head = await server.ask("HEAD", `${API}/projects?per_page=1`, { token });
    assert.equal(head.status, 200);
    assert.equal(head.text, "");
    for (const name of ["content-type", "content-length", "x-total", "x-next-page"]) {
      assert.equal(head.headers[name], get.headers[name], name);
    }
  });

  test("a body over the limit is 413, one of a strange type or encoding 415", async () => {
    const huge = await server.ask("POST", `${API}/projects`, {
      token,
      headers: JSON_TYPE,
      body: JSON.stringify({ name: "x".repeat(1_100_000) }),
    });
    assert.equal(huge.status, 413);
    assert.deepEqual(Object.keys(huge.json()), ["error"]);
    const unannounced = await server.ask("POST", `${API}/projects`, {
      token,
      headers: { ...JSON_TYPE, "transfer-encoding": "chunked" },
      body: JSON.stringify({ name: "x".repeat(1_100_000) }),
    });
    assert.equal(unannounced.status, 413);
    const packed = await server.ask("POST", `${API}/projects`, {
      token,
      headers: { ...JSON_TYPE, "content-length": 5, "content-encoding": "gzip" },
      body: "12345",
    });
    assert.equal(packed.status, 415);
    const text = await server.ask("POST", `${API}/projects`, {
      token,
      headers: { "content-type": "text/plain" },
      body: "name=x",
    });
    assert.equal(text.status, 415);
    assert.match(String(text.json()["error"]), /'text\/plain' is not supported/);
  });
});

describe("who is let in", () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer(createInMemoryUseCases());
  });
  after(async () => await server[Symbol.asyncDispose]());

  test("a token is taken from PRIVATE-TOKEN, Bearer, the query and a body", async () => {
    const { api } = SECRETS;
    const forms = [
      { path: "/user", headers: { "private-token": api } },
      { path: "/user", headers: { "PRIVATE-TOKEN": api, authorization: "Basic cHJveHk6c2VjcmV0" } },
      { path: "/user", headers: { authorization: `Bearer ${api}` } },
      { path: "/user", headers: { authorization: `bearer ${api}` } },
      { path: `/user?private_token=${api}`, headers: {} },
    ];
    for (const { path, headers } of forms) {
      const answer = await server.ask("GET", API + path, { headers });
      assert.equal(answer.status, 200, JSON.stringify(headers));
      assert.equal(answer.json()["username"], "root");
    }
    const inBody = await server.ask("POST", `${API}/projects`, {
      headers: JSON_TYPE,
      body: JSON.stringify({ private_token: api, name: "by-body" }),
    });
    assert.equal(inBody.status, 201);
  });

  test("no token, a wrong one, a job's and Basic alone are 401, in GitLab's forms", async () => {
    const wrongs: Record<string, string>[] = [
      {},
      { "private-token": "wrong" },
      { "job-token": "job" },
      { authorization: "Basic cm9vdDpyb290" },
      { authorization: "Bearer" },
    ];
    for (const headers of wrongs) {
      const answer = await server.ask("GET", `${API}/user`, { headers });
      assert.equal(answer.status, 401, JSON.stringify(headers));
      assert.deepEqual(answer.json(), { message: "401 Unauthorized" });
    }
    const bearer = await server.ask("GET", `${API}/user`, { headers: { authorization: "Bearer wrong" } });
    assert.equal(bearer.status, 401);
    assert.equal(bearer.json()["error"], "invalid_token");
    assert.match(String(bearer.headers["www-authenticate"]), /^Bearer .*invalid_token/);
    const onPublicRoute = await server.ask("GET", `${API}/projects`, { token: "wrong" });
    assert.equal(onPublicRoute.status, 401);
    const anonymous = await server.ask("GET", `${API}/projects`);
    assert.equal(anonymous.status, 200);
  });

  test("a token without the scope is 403 insufficient_scope; any token may look at itself", async () => {
    const answer = await server.ask("POST", `${API}/projects?name=x`, { token: SECRETS.readApi });
    assert.equal(answer.status, 403);
    assert.deepEqual(answer.json(), {
      error: "insufficient_scope",
      error_description: "The request requires higher privileges than provided by the access token.",
      scope: "api",
    });
    const read = await server.ask("GET", `${API}/user`, { token: SECRETS.readApi });
    assert.equal(read.status, 200);
    const self = await server.ask("GET", `${API}/personal_access_tokens/self`, { token: SECRETS.readApi });
    assert.deepEqual(self.json()["scopes"], ["read_api"]);
  });

  test("what is not theirs to do is 403, but 401 on remote mirrors; a blocked account is 403 everywhere", async () => {
    const project = await server.ask("POST", `${API}/projects?name=p`, { token: SECRETS.api });
    const { id } = project.json<{ id: number }>();
    const settings = await server.ask("GET", `${API}/application/settings`, { token: SECRETS.stranger });
    assert.equal(settings.status, 403);
    assert.deepEqual(settings.json(), { message: "403 Forbidden" });
    const mirrors = await server.ask("GET", `${API}/projects/${id}/remote_mirrors`, {
      token: SECRETS.stranger,
    });
    assert.equal(mirrors.status, 401);
    assert.deepEqual(mirrors.json(), { message: "401 Unauthorized" });
    for (const path of ["/user", `/projects/${id}/remote_mirrors`]) {
      const blocked = await server.ask("GET", API + path, { token: SECRETS.blocked });
      assert.equal(blocked.status, 401, path);
      assert.deepEqual(blocked.json(), { message: "401 Unauthorized - Your account has been blocked." });
    }
  });

  test("Sudo acts for another user for admins only, and is never ignored", async () => {
    const as = (sudo: string, token: string) =>
      server.ask("GET", `${API}/user`, { token, headers: { sudo } });
    assert.equal((await as("reader", SECRETS.api)).json()["username"], "reader");
    assert.equal((await as("2", SECRETS.api)).json()["username"], "reader");
    assert.equal((await as("root", SECRETS.stranger)).status, 403);
    assert.equal((await as("reader", SECRETS.readApi)).json()["error"], "insufficient_scope");
    const unknown = await as("nobody", SECRETS.api);
    assert.equal(unknown.status, 404);
    assert.deepEqual(unknown.json(), { message: "404 User with ID or username 'nobody' Not Found" });
  });
});

describe("pages of lists", () => {
  let server: RunningServer;
  const token = SECRETS.api;
  before(async () => {
    server = await startServer(createInMemoryUseCases());
    for (let i = 1; i <= 25; i += 1) await server.ask("POST", `${API}/projects?name=p${i}`, { token });
  });
  after(async () => await server[Symbol.asyncDispose]());

  function linksOf(link: unknown): Map<string, URL> {
    const links = new Map<string, URL>();
    for (const part of String(link).split(", ")) {
      const match = /^<([^>,;]+)>; rel="(\w+)"$/.exec(part);
      assert.ok(match?.[1] && match[2], part);
      links.set(match[2], new URL(match[1]));
    }
    return links;
  }

  test("following next visits everything once, and keeps what the caller asked", async () => {
    const names: string[] = [];
    let next: string | undefined = `${API}/projects?per_page=10&search=p&x%5B%5D=a%2Cb`;
    while (next !== undefined) {
      const answer = await server.ask("GET", next, { token });
      names.push(...answer.json<{ name: string }[]>().map(({ name }) => name));
      const link: URL | undefined = linksOf(answer.headers["link"]).get("next");
      assert.equal(link?.origin ?? server.url, server.url);
      assert.equal(link?.searchParams.get("x[]") ?? "a,b", "a,b");
      next = link === undefined ? undefined : link.pathname + link.search;
    }
    assert.equal(new Set(names).size, 25);
    assert.equal(names.length, 25);
  });

  test("the headers count, and say nothing of what is not there", async () => {
    const middle = await server.ask("GET", `${API}/projects?per_page=10&page=2`, { token });
    const { headers } = middle;
    assert.deepEqual(
      ["x-page", "x-per-page", "x-total", "x-total-pages", "x-next-page", "x-prev-page"].map(
        (name) => headers[name],
      ),
      ["2", "10", "25", "3", "3", "1"],
    );
    assert.deepEqual([...linksOf(headers["link"]).keys()].sort(), ["first", "last", "next", "prev"]);
    const last = await server.ask("GET", `${API}/projects?per_page=10&page=3`, { token });
    assert.equal(last.headers["x-next-page"], "");
    assert.equal(linksOf(last.headers["link"]).has("next"), false);
    const past = await server.ask("GET", `${API}/projects?per_page=10&page=9`, { token });
    assert.deepEqual(past.json(), []);
    const none = await server.ask("GET", `${API}/projects?search=none`, { token });
    assert.equal(none.headers["x-total"], "0");
    assert.equal(none.headers["x-total-pages"], "1");
  });

  test("sizes out of range are cut, what is no number is an error", async () => {
    const sizes: [string, string][] = [
      ["per_page=1000", "100"],
      ["per_page=-3", "20"],
      ["per_page=", "20"],
      ["page=0", "20"],
    ];
    for (const [query, perPage] of sizes) {
      const answer = await server.ask("GET", `${API}/projects?${query}`, { token });
      assert.equal(answer.headers["x-per-page"], perPage, query);
      assert.equal(answer.headers["x-page"], "1", query);
    }
    const wrong = await server.ask("GET", `${API}/projects?per_page=many`, { token });
    assert.deepEqual(wrong.json(), { error: "per_page is invalid" });
    const zero = await server.ask("GET", `${API}/projects?per_page=0`, { token });
    assert.deepEqual(zero.json(), { error: "per_page has a value not allowed" });
  });

  test("links never carry the token, and are of the host that was asked or of the external URL", async () => {
    const link = async (path: string, headers: Record<string, string>) =>
      String((await server.ask("GET", `${API}${path}`, { headers })).headers["link"]);
    const withToken = await link(`/projects?per_page=10&private_token=${token}`, {});
    assert.match(withToken, /rel="next"/);
    assert.doesNotMatch(withToken, new RegExp(token));
    assert.match(await link("/projects", { host: "other.example:81" }), /^<http:\/\/other\.example:81\/api/);
    assert.match(await link("/projects", { host: "git.example.org" }), /^<https:\/\/git\.example\.org\/api/);
    const odd = await link("/projects", { host: 'x"><,;' });
    assert.match(odd, /^<https:\/\/git\.example\.org\/api/);
    const forwarded = { host: "in:1", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" };
    assert.match(await link("/projects", forwarded), /^<http:\/\/in:1\/api/);
  });
});

describe("errors", () => {
  const cases: [HeliostatError | Error, number, object][] = [
    [new HeliostatError("parameter-invalid", "url is missing"), 400, { error: "url is missing" }],
    [
      new HeliostatError("model-invalid", "no", { fields: { path: ["has already been taken"] } }),
      400,
      { message: { path: ["has already been taken"] } },
    ],
    [new HeliostatError("model-invalid", "A sentence."), 400, { message: "A sentence." }],
    [new HeliostatError("url-blocked", "No."), 400, { message: { url: ["is blocked: No."] } }],
    [new HeliostatError("forbidden", "Why"), 403, { message: "403 Forbidden - Why" }],
    [new HeliostatError("not-found", "User Not Found"), 404, { message: "404 User Not Found" }],
    [new HeliostatError("conflict", "There is one."), 409, { message: "There is one." }],
    [new HeliostatError("remote-credential", "Refused."), 422, { message: "Refused." }],
    [new HeliostatError("database-unavailable", "Down."), 503, { message: "Down." }],
    [new HeliostatError("disk-full", "Full."), 507, { message: "Full." }],
    [new HeliostatError("repository-corrupt", "secret path"), 500, { message: "500 Internal Server Error" }],
    [new TypeError("secret detail"), 500, { message: "500 Internal Server Error" }],
  ];

  test("every kind has its status and form, and only faults of ours reach the operator", async () => {
    let thrown: Error = new Error("unset");
    const findUser: UseCases["findUser"] = async () => {
      throw thrown;
    };
    await using server = await startServer(createInMemoryUseCases({ findUser }));
    for (const [error, status, body] of cases) {
      thrown = error;
      const answer = await server.ask("GET", `${API}/users/1`, { token: SECRETS.api });
      assert.equal(answer.status, status, error.message);
      assert.deepEqual(answer.json(), body);
      const failures = server.log.filter(
        ({ message, fields }) =>
          message === "request failed" && fields["requestId"] === answer.headers["x-request-id"],
      );
      assert.equal(failures.length, status >= 500 ? 1 : 0, error.message);
      if (status === 500) assert.equal(failures[0]?.fields["err"], error);
    }
  });

  test("no token is ever logged: neither a header nor the query is", async () => {
    await using server = await startServer(createInMemoryUseCases());
    const planted = "planted-secret-7f3a";
    await server.ask("GET", `${API}/user?private_token=${planted}`, {
      headers: { authorization: `Bearer ${planted}` },
    });
    await server.ask("GET", `${API}/user`, { token: planted });
    await server.ask("GET", `/g/p.git/info/refs?service=git-upload-pack&x=${planted}`, {
      headers: { authorization: `Basic ${Buffer.from(`u:${planted}`).toString("base64")}` },
    });
    await sleep(20);
    assert.equal(server.log.filter(({ message }) => message === "request").length, 3);
    const text = JSON.stringify(server.log);
    assert.equal(text.includes(planted), false);
    assert.equal(text.includes(Buffer.from(`u:${planted}`).toString("base64")), false);
    const [first] = server.log;
    assert.deepEqual(
      [first?.fields["method"], first?.fields["path"], first?.fields["status"]],
      ["GET", `${API}/user`, 401],
    );
  });

  test("a client that goes away midway is no error", async () => {
    await using server = await startServer(createInMemoryUseCases());
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      `POST ${API}/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"na`,
    );
    await sleep(50);
    socket.destroy();
    while (server.log.length === 0) await sleep(10);
    assert.deepEqual(
      server.log.map(({ level, fields }) => [level, fields["clientGone"]]),
      [["info", true]],
    );
  });

  test("a header and a body that never come to an end are given up", async () => {
    // Long enough for a busy machine to have read what came before it hangs up: who is cut off with bytes unread may
    // get a reset instead of the answer.
    const limits = { headersTimeoutMs: 1000, apiBodyTimeoutMs: 1000 };
    await using server = await startServer(createInMemoryUseCases(), { limits });
    const starts = [
      "GET /api/v4/user HTTP/1.1\r\nHost: x\r\nX-Slow: ",
      "POST /api/v4/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
      "POST /users/sign_in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ];
    for (const start of starts) {
      const socket = connect(server.port, "127.0.0.1");
      socket.setEncoding("utf8");
      socket.write(start);
      let answer = "";
      socket.on("data", (chunk: string) => {
        answer += chunk;
      });
      await new Promise((resolve) => socket.once("close", resolve));
      assert.match(answer, /^HTTP\/1\.1 408 /, start);
    }
  });
});
