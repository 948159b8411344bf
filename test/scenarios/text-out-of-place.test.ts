import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { z } from "zod";
import { type Api, createApi } from "../support/api.ts";
import { startServer, type TestServer } from "../support/server.ts";

const ROUTES = fileURLToPath(new URL("../../packages/server/src/http/routes/", import.meta.url));

/** What JSON can carry and PostgreSQL has no place for. */
const TEXTS = ["a\0b", "a\ud800b"];

let server: TestServer;
let api: Api;

before(async () => {
  server = await startServer();
  api = createApi(server);
  await api.createProject("p");
});
after(async () => {
  await server.stop();
});

interface Route {
  readonly method: string;
  readonly path: string;
  readonly names: readonly string[];
}

/** All that may be asked for but what removes something, and streams, which do not end. */
async function findRoutes(): Promise<readonly Route[]> {
  const files = (await readdir(ROUTES, { recursive: true })).filter((name) => name.endsWith("routes.ts"));
  const routes: Route[] = [];
  for (const file of files) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(ROUTES, file)).href);
    for (const route of Object.values(module).flat()) {
      if (typeof route !== "object" || route === null) continue;
      if (!("method" in route && "path" in route && "form" in route)) continue;
      const { method, path, form } = route;
      const params = typeof form === "object" && form !== null && "params" in form ? form.params : null;
      if (typeof method !== "string" || typeof path !== "string" || method === "DELETE") continue;
      if (path.endsWith("/stream")) continue;
      const names = params instanceof z.ZodObject ? Object.keys(params.shape) : [];
      routes.push({ method, path, names: names.filter((name) => !path.includes(`:${name}`)) });
    }
  }
  return routes;
}

function bugs(): readonly string[] {
  return server
    .output()
    .split("\n")
    .filter((line) => line.includes("request failed"));
}

async function ask({ method, path }: Route, given: Readonly<Record<string, string>>): Promise<void> {
  const isRead = method === "GET";
  const query = isRead ? `?${new URLSearchParams(given)}` : "";
  const answer = await fetch(`${server.url}/api/v4${path}${query}`, {
    method,
    headers: { "private-token": server.token, "content-type": "application/json" },
    ...(isRead ? {} : { body: JSON.stringify(given) }),
  });
  await answer.body?.cancel();
  assert.notEqual(answer.status, 500, `${method} ${path} ${JSON.stringify(given)}\n${bugs().at(-1)}`);
}

test("no parameter of any route brings the server out of step", async () => {
  const routes = await findRoutes();
  assert.ok(routes.length > 60, `${routes.length} routes`);
  assert.ok(routes.flatMap(({ names }) => names).length > 300, "with their parameters");
  for (const route of routes) {
    const path = route.path.replaceAll(/:\w+|\*/g, "1");
    for (const text of TEXTS) {
      for (const name of route.names) await ask({ ...route, path }, { [name]: text });
      if (route.path.includes(":")) {
        const odd = route.path.replaceAll(/:\w+|\*/g, encodeURIComponent(text.toWellFormed()));
        await ask({ ...route, path: odd }, {});
      }
    }
  }
  assert.deepEqual(bugs(), []);
});

test("nor do credentials", async () => {
  for (const text of TEXTS) {
    for (const pair of [`${text}:c`, `a:${text}`, `${text}:${text}`]) {
      const authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
      const url = `${server.url}/root/p.git/info/refs?service=git-upload-pack`;
      assert.equal((await fetch(url, { headers: { authorization } })).status, 401, JSON.stringify(pair));
    }
    const signIn = await fetch(`${server.url}/users/sign_in`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: text, password: text }),
    });
    assert.ok(signIn.status === 400 || signIn.status === 401, String(signIn.status));
  }
  assert.deepEqual(bugs(), []);
});
