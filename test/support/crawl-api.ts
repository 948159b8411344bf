import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Api } from "./api.ts";

const ROUTES = fileURLToPath(new URL("../../packages/server/src/http/routes/", import.meta.url));

/** An answer of the API, and what was asked for. */
export interface CrawledAnswer {
  readonly asked: string;
  readonly text: string;
}

/**
 * Asks every endpoint of the API that only reads, whichever there are, for every project and mirror, their updates,
 * and whatever else has a number; answers all that was answered, with its headers.
 */
export async function crawlApi(api: Api): Promise<readonly CrawledAnswer[]> {
  const answers: CrawledAnswer[] = [];
  async function ask(path: string): Promise<unknown> {
    const { headers, body } = await api.call("GET", path);
    answers.push({ asked: `GET ${path}`, text: `${JSON.stringify([...headers])}\n${JSON.stringify(body)}` });
    return body;
  }
  const paths = await readingPaths();
  const fill = (path: string, values: Readonly<Record<string, number>>) =>
    path.replaceAll(/:(\w+)/g, (whole, name: string) => String(values[name] ?? whole));
  const isOf = (path: string, ...names: readonly string[]) =>
    (path.match(/:\w+/g) ?? []).join() === names.map((name) => `:${name}`).join();

  for (const path of paths) {
    if (isOf(path)) await ask(path);
    else if (isOf(path, "id") && !path.startsWith("/projects"))
      for (let id = 1; id <= 4; id += 1) await ask(fill(path, { id }));
  }
  for (const id of idsIn(await ask("/projects?per_page=100"))) {
    for (const path of paths)
      if (path.startsWith("/projects/") && isOf(path, "id")) await ask(fill(path, { id }));
    for (const mirror_id of idsIn(await ask(`/projects/${id}/mirrors`))) {
      for (const path of paths) if (isOf(path, "id", "mirror_id")) await ask(fill(path, { id, mirror_id }));
      const updates = await ask(`/projects/${id}/mirrors/${mirror_id}/updates?per_page=100`);
      for (const update_id of idsIn(updates)) {
        for (const path of paths)
          if (isOf(path, "id", "mirror_id", "update_id")) await ask(fill(path, { id, mirror_id, update_id }));
      }
    }
  }
  return answers;
}

/** Of all modules of routes, so that one that is added is asked too. Streams are left out: they do not end. */
async function readingPaths(): Promise<readonly string[]> {
  const files = (await readdir(ROUTES, { recursive: true })).filter((name) => name.endsWith("/routes.ts"));
  const paths: string[] = [];
  for (const file of files) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(ROUTES, file)).href);
    for (const route of Object.values(module).flat()) {
      if (typeof route !== "object" || route === null || !("method" in route) || !("path" in route)) continue;
      if (route.method === "GET" && typeof route.path === "string" && !route.path.endsWith("/stream"))
        paths.push(route.path);
    }
  }
  if (paths.length < 20) throw new Error(`few endpoints were found: ${paths.join(" ")}`);
  return paths;
}

function idsIn(body: unknown): readonly number[] {
  if (!Array.isArray(body)) return [];
  return body.flatMap((each) => (typeof each?.id === "number" ? [each.id] : []));
}
