import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import { createApi, idOf } from "../support/api.ts";
import { type DeclaredRoute, declaredRoutes, nameOf } from "../support/declared-routes.ts";
import { createRawClient, type RawAnswer, type RawRequest } from "../support/raw-request.ts";
import { git, makeCommit, makeRepository, makeTag, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { makeKey } from "../support/ssh-keygen.ts";
import { withCredentials } from "../support/working-copy.ts";

/* What clients of GitLab's API break on, for every route there is: the numbered list in docs/api-clients.md. */

const directory = await makeTempDir({ after });
const server = await startServer();
const raw = createRawClient(server.url);
after(async () => {
  raw.close();
  await server.stop();
});
const api = createApi(server);
const group = idOf(await api.post("/groups", { name: "Must", path: "must.have", visibility: "public" }));
const { id: project } = await api.createProject("pro.ject", { namespace_id: group, visibility: "public" });
const source = await makeRepository(join(directory, "source.git"));
await makeCommit(source, { files: { "dir/file": "x\n" } });
const tip = await makeCommit(source);
await makeTag(source, "v1", tip);
const push = withCredentials(`${server.url}/must.have/pro.ject.git`, "root", server.token);
await git(source, ["push", "-q", push, "main", "main:other", "v1"]);
const user = await api.createUser("must-reader", "correct horse battery");
await api.post(`/projects/${project}/members`, { user_id: user, access_level: 40 });
const mirror = idOf(
  await api.post(`/projects/${project}/remote_mirrors`, {
    url: "http://a:b@127.0.0.1:1099/x.git",
    enabled: false,
  }),
);
await api.post(`/projects/${project}/remote_mirrors`, {
  url: "http://a:b@127.0.0.1:1099/y.git",
  enabled: false,
});
await api.put(`/projects/${project}/mirror/pull`, { url: "http://127.0.0.1:1099/z.git", enabled: false });
await api.post(`/projects/${project}/protected_tags`, { name: "v*" });
const { algorithm, key } = await makeKey(directory, "must", "-t", "ed25519");
const deployKey = idOf(
  await api.post(`/projects/${project}/deploy_keys`, { title: "k", key: `${algorithm} ${key}` }),
);
const token = idOf(await api.post(`/projects/${project}/access_tokens`, { name: "t", scopes: ["api"] }));
/** May read all, and change nothing: so that every changing route can be asked. */
const reader = await api.createToken(user, ["read_api"]);

const VALUES: Readonly<Record<string, string | number>> = {
  user_id: user,
  mirror_id: mirror,
  key_id: deployKey,
  token_id: token,
  branch: "main",
  tag_name: "v1",
  name: "main",
  sha: tip,
  file_path: "dir%2Ffile",
  path: "must.have",
};

function pathOf({ path }: Pick<DeclaredRoute, "path">, projectId: string | number = project): string {
  const id = path.startsWith("/projects/") ? projectId : path.startsWith("/groups/") ? group : user;
  const filled = path.replaceAll(/:(\w+)/g, (_whole, name: string) =>
    String(name === "id" ? id : name === "name" && path.includes("tags") ? "v*" : (VALUES[name] ?? 1)),
  );
  const wants = path.endsWith("/merge_base") ? "?refs[]=main&refs[]=other" : "?ref=main&from=main&to=other";
  return `/api/v4${filled}${wants}`;
}

/** Streams do not end; and what is asked here with a good token would take that token away. */
const all = (await declaredRoutes()).filter(({ path }) => !path.endsWith("/stream"));
const reading = all.filter(({ method }) => method === "GET");
const changing = all.filter(({ method, access }) => method !== "GET" && access !== "token");
const asRoot = { "private-token": server.token };
const asReader = { "private-token": reader };

const isJson = ({ headers }: RawAnswer): boolean => headers["content-type"] === "application/json";
const isOk = ({ status }: RawAnswer): boolean => status >= 200 && status < 300;

async function ask(route: DeclaredRoute, request: RawRequest, path = pathOf(route)): Promise<RawAnswer> {
  return await raw.ask(route.method, path, request);
}

/** All that a test has to say of all routes, at once. */
async function forEach(
  routes: readonly DeclaredRoute[],
  check: (route: DeclaredRoute, name: string) => Promise<void>,
): Promise<void> {
  const complaints: string[] = [];
  for (const route of routes) {
    try {
      await check(route, nameOf(route));
    } catch (error) {
      complaints.push(`${nameOf(route)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  assert.deepEqual(complaints, []);
}

/** What is no JSON by nature. */
const RAW_BODIES = /\/raw$|\/archive|\/export$/;

test("1: JSON is application/json, and nothing behind it", async () => {
  let good = 0;
  await forEach(reading, async (route, name) => {
    const answer = await ask(route, { headers: asRoot });
    if (isOk(answer)) good += 1;
    if (RAW_BODIES.test(route.path) && isOk(answer)) return;
    assert.equal(answer.headers["content-type"], "application/json", `${name}: ${answer.status}`);
  });
  // Most of them must have had something to say.
  assert(good > 60, `${good} of ${reading.length}`);
  await forEach(changing, async (route) => {
    assert.equal((await ask(route, { headers: asReader })).headers["content-type"], "application/json");
  });
});

test("2: a JSON content type without a body is no error, on any method", async () => {
  await forEach(all, async (route) => {
    const who = route.method === "GET" ? asRoot : {};
    const headers = { ...who, "content-type": "application/json", "content-length": "0" };
    const answer = await ask(route, { headers });
    assert.equal(answer.status, (await ask(route, { headers: who })).status);
  });
});

test("3: {} with DELETE, and {} or null with what needs no parameters, are as good as nothing", async () => {
  await forEach(changing, async (route) => {
    const plain = await ask(route, { headers: asReader });
    for (const body of ["{}", "null"]) {
      const answer = await ask(route, { headers: asReader, body });
      assert.deepEqual([answer.status, answer.text], [plain.status, plain.text]);
    }
  });
});

test("4: parameters are taken from the query, JSON, a form and multipart alike, on any method", async () => {
  const boundary = "must-have";
  const multipart = `--${boundary}\r\ncontent-disposition: form-data; name="private_token"\r\n\r\n${reader}\r\n--${boundary}--\r\n`;
  const forms: readonly (readonly [string, string])[] = [
    ["application/json", JSON.stringify({ private_token: reader })],
    ["application/x-www-form-urlencoded", `private_token=${reader}`],
    [`multipart/form-data; boundary=${boundary}`, multipart],
  ];
  await forEach(changing, async (route) => {
    if (route.access === "trigger-token") return;
    const known = await ask(route, { headers: asReader });
    assert.notEqual(known.status, 401);
    const inQuery = await ask(route, {}, `${pathOf(route)}&private_token=${reader}`);
    assert.equal(inQuery.status, known.status, "query");
    for (const [type, body] of forms) {
      const headers = { "content-type": type, "content-length": String(Buffer.byteLength(body)) };
      assert.equal((await ask(route, { headers, body })).status, known.status, type);
    }
  });
});

test("5: a path parameter may be encoded in any way, and be long", async () => {
  const inOneWay = "must.have%2Fpro.ject";
  const inAnother = "must%2Ehave%2fpro%2Eject";
  const long = `${"n%2F".repeat(700)}p`;
  await forEach(
    reading.filter(({ path }) => path.startsWith("/projects/:id")),
    async (route) => {
      const byId = await ask(route, { headers: asRoot });
      for (const id of [inOneWay, inAnother]) {
        const answer = await ask(route, { headers: asRoot }, pathOf(route, id));
        assert.equal(answer.status, byId.status, id);
      }
      const nowhere = await ask(route, { headers: asRoot }, pathOf(route, long));
      // Parameters are looked at before what they are about.
      assert(
        nowhere.status === 404 || (byId.status === 400 && nowhere.status === 400),
        String(nowhere.status),
      );
      assert(
        isJson(nowhere) && !nowhere.text.includes("404 Not Found"),
        "it is routed, and names what is not there",
      );
    },
  );
});

test("6: no JSON without a body, and nothing at all with 204", async () => {
  await forEach(all, async (route) => {
    const answer = await ask(route, { headers: route.method === "GET" ? asRoot : asReader });
    if (answer.status === 204) {
      assert.deepEqual([answer.text, answer.headers["content-type"]], ["", undefined]);
    } else if (isJson(answer)) JSON.parse(answer.text);
  });
  // One that changes something, for it must be tried too.
  const path = `/api/v4/projects/${project}/protected_tags/v%2A`;
  const gone = await raw.ask("DELETE", path, { headers: asRoot, body: "{}" });
  assert.deepEqual([gone.status, gone.text, gone.headers["content-type"]], [204, "", undefined]);
});

test("7: an error is a JSON object with message or error", async () => {
  const explains = (answer: RawAnswer): void => {
    assert(answer.status >= 400 && isJson(answer), `${answer.status} ${answer.headers["content-type"]}`);
    const { message, error } = JSON.parse(answer.text);
    assert(message ?? error, answer.text);
  };
  await forEach(all, async (route) => {
    explains(await ask(route, { headers: { "private-token": "hlpat-none" } }));
    explains(await ask(route, { headers: { authorization: "Bearer hlpat-none" } }));
    // Nobody sends a body with GET, and none is read.
    if (route.method === "GET") return;
    explains(await ask(route, { headers: asReader }));
    explains(await ask(route, { headers: { ...asReader, "content-type": "application/json" }, body: "{" }));
    explains(await ask(route, { headers: { ...asReader, "content-type": "image/png" }, body: "x" }));
  });
});

test("8: numbers are whole, times have a zone or are null, lists are arrays", async () => {
  const isArrayOf = /^(topics|scopes|parent_ids|host_keys|identities|\w+_access_levels)$/;
  const isText = /^(id|(short|correlation|blob|commit|last_commit|key)_id)$/;
  const check = (value: unknown, key: string): void => {
    if (Array.isArray(value)) {
      for (const each of value) check(each, "");
      return;
    }
    assert(!isArrayOf.test(key) || value === null, `${key}: ${JSON.stringify(value)}`);
    if (typeof value === "object" && value !== null) {
      for (const [name, each] of Object.entries(value)) check(each, name);
    }
    if (typeof value === "number") assert(Number.isInteger(value), `${key}: ${value}`);
    if (/_id$|^access_level$|_count$/.test(key) && !isText.test(key)) {
      assert(value === null || typeof value === "number", `${key}: ${JSON.stringify(value)}`);
    }
    if (/_at$/.test(key) && key !== "expires_at" && value !== null) {
      assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, key);
    }
  };
  await forEach(reading, async (route) => {
    const answer = await ask(route, { headers: asRoot });
    if (isOk(answer) && isJson(answer)) check(JSON.parse(answer.text), "");
  });
});

test("9: every list that goes on has a link to what is next, at the address that was asked", async () => {
  let lists = 0;
  await forEach(reading, async (route) => {
    const path = `${pathOf(route)}&per_page=1`;
    const headers = { ...asRoot, host: "git.example.com:8443" };
    const answer = await raw.ask("GET", path, { headers });
    if (!isOk(answer) || answer.headers["x-per-page"] === undefined) return;
    lists += 1;
    const link = String(answer.headers["link"]);
    assert.match(link, /^<[^>]*>; rel="\w+"(, <[^>]*>; rel="\w+")*$/);
    for (const [, url] of link.matchAll(/<([^>]*)>/g)) {
      assert.match(String(url), /^https?:\/\/git\.example\.com:8443\/api\/v4\/[^,;]*$/);
    }
    const next = /<([^>]*)>; rel="next"/.exec(link)?.[1];
    assert.equal(next !== undefined, answer.headers["x-next-page"] !== "", link);
    for (const name of ["x-page", "x-per-page"]) assert.match(String(answer.headers[name]), /^\d+$/);
    if (next === undefined) return;
    const { pathname, search } = new URL(next);
    const second = await raw.ask("GET", `${pathname}${search}`, { headers });
    assert.deepEqual([second.status, second.headers["x-page"]], [200, "2"]);
  });
  assert(lists > 20, String(lists));
});

test("10: a token is taken as PRIVATE-TOKEN, as Bearer and as a parameter, and before Basic", async () => {
  await forEach(reading, async (route) => {
    const { status } = await ask(route, { headers: asRoot });
    const basic = Buffer.from("proxy:secret").toString("base64");
    for (const headers of [
      { authorization: `Bearer ${server.token}` },
      { "PRIVATE-TOKEN": server.token, authorization: `Basic ${basic}` },
    ]) {
      assert.equal((await ask(route, { headers })).status, status);
    }
    assert.equal((await ask(route, {}, `${pathOf(route)}&private_token=${server.token}`)).status, status);
    assert.equal((await ask(route, { headers: { "job-token": "x" } })).status, 401);
  });
});

test("11: nothing is answered with a redirect, whatever slashes there are", async () => {
  await forEach(all, async (route) => {
    const headers = route.method === "GET" ? asRoot : asReader;
    const path = pathOf(route);
    const { status } = await ask(route, { headers });
    assert(status < 300 || status >= 400);
    for (const other of [`/${path}`, path.replace("?", "/?")]) {
      assert.equal((await ask(route, { headers }, other)).status, status, other);
    }
  });
});

test("12: nothing is answered with 5xx, and HEAD as GET, without a body", async () => {
  await forEach(reading, async (route) => {
    const get = await ask(route, { headers: asRoot });
    assert(get.status < 500, String(get.status));
    // Of archives there are some a minute, and to whether a branch is there GitLab says 204.
    if (/\/archive|\/branches\/:branch$/.test(route.path)) return;
    const head = await raw.ask("HEAD", pathOf(route), { headers: asRoot });
    assert.deepEqual([head.status, head.text], [get.status, ""]);
    for (const name of ["content-type", "link", "x-total", "x-next-page", "x-gitlab-size"]) {
      assert.equal(head.headers[name], get.headers[name], name);
    }
  });
  await forEach(changing, async (route) => {
    assert((await ask(route, { headers: asReader })).status < 500);
  });
});
