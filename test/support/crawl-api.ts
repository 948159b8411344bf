import type { Api } from "./api.ts";
import { declaredRoutes } from "./declared-routes.ts";

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

/** Streams are left out: they do not end. */
async function readingPaths(): Promise<readonly string[]> {
  return (await declaredRoutes())
    .filter(({ method, path }) => method === "GET" && !path.endsWith("/stream"))
    .map(({ path }) => path);
}

function idsIn(body: unknown): readonly number[] {
  if (!Array.isArray(body)) return [];
  return body.flatMap((each) => (typeof each?.id === "number" ? [each.id] : []));
}
