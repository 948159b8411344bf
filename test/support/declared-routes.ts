import { glob } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ApiRoute } from "../../packages/server/src/http/api-route.ts";

const ROUTES = fileURLToPath(new URL("../../packages/server/src/http/routes/", import.meta.url));

/** One route of the API as its module declares it. */
export type DeclaredRoute = ApiRoute;

/** All routes of the API, out of all modules of routes: one that is added is among them by itself. */
export async function declaredRoutes(): Promise<readonly DeclaredRoute[]> {
  const found: DeclaredRoute[] = [];
  for await (const file of glob("**/*routes.ts", { cwd: ROUTES })) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(ROUTES, file)).href);
    found.push(...Object.values(module).flat().filter(isRoute));
  }
  if (found.length < 150) throw new Error(`few routes were found: ${found.map(nameOf).join(", ")}`);
  return found;
}

/** `GET /projects/:id` */
export function nameOf({ method, path }: DeclaredRoute): string {
  return `${method} ${path}`;
}

function isRoute(value: unknown): value is DeclaredRoute {
  return (
    typeof value === "object" &&
    value !== null &&
    "run" in value &&
    "method" in value &&
    "path" in value &&
    typeof value.path === "string"
  );
}
