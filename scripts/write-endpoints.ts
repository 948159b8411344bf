// npm run endpoints: writes packages/contract/src/endpoints.ts, the list of the API's endpoints for typed clients, from
// the routes that the server declares.
import { glob, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type DeclaredRoute, declaredRoutes, nameOf } from "../test/support/declared-routes.ts";

const CONTRACT = fileURLToPath(new URL("../packages/contract/src/api/", import.meta.url));

/** Where the list is kept. */
export const ENDPOINTS_FILE = fileURLToPath(
  new URL("../packages/contract/src/endpoints.ts", import.meta.url),
);

/** What must be in that file. Throws for a schema that the contract does not export by a name. */
export async function endpointsText(): Promise<string> {
  const names = await namesInContract();
  const used = new Map<string, Set<string>>();
  function type(schema: unknown, route: DeclaredRoute): string {
    if (schema === null) return "null";
    const found = names.get(schema);
    if (found === undefined) {
      throw new Error(
        `${nameOf(route)}: packages/contract/src/api must export its parameters and answer by a name`,
      );
    }
    used.set(found.file, (used.get(found.file) ?? new Set()).add(found.name));
    return `typeof ${found.name}`;
  }
  const lines = (await declaredRoutes()).map((route) => {
    const params = type(route.params, route);
    return `  "${nameOf(route)}": ${formOf(route, params, (schema) => type(schema, route))};`;
  });
  const imports = [...used].map(
    ([file, each]) => `import type { ${[...each].sort().join(", ")} } from "./api/${file}";`,
  );
  return `// Written by \`npm run endpoints\` from the routes of the server.
${imports.sort().join("\n")}
import type { Endpoint, FileEndpoint, ListEndpoint } from "./endpoint.ts";

/** Every endpoint of the API, with its parameters and its answer. */
export interface Endpoints {
${lines.sort().join("\n")}
}
`;
}

function formOf({ answer }: DeclaredRoute, params: string, type: (schema: unknown) => string): string {
  if (answer === null || !("kind" in answer)) return `Endpoint<${params}, ${type(answer)}>`;
  switch (answer.kind) {
    case "status":
      return `Endpoint<${params}, ${type(answer.schema)}>`;
    case "choice":
      return `Endpoint<${params}, ${answer.answers.map(({ schema }) => type(schema)).join(" | ")}>`;
    case "list":
      return `ListEndpoint<${params}, ${type(answer.item)}>`;
    case "events":
      return answer.otherwise === null
        ? `FileEndpoint<${params}>`
        : `Endpoint<${params}, ${type(answer.otherwise)}>`;
    case "file":
      return `FileEndpoint<${params}>`;
  }
}

async function namesInContract(): Promise<Map<unknown, { readonly file: string; readonly name: string }>> {
  const names = new Map<unknown, { readonly file: string; readonly name: string }>();
  for await (const file of glob("*.ts", { cwd: CONTRACT })) {
    if (file.endsWith(".test.ts")) continue;
    const module: Record<string, unknown> = await import(pathToFileURL(join(CONTRACT, file)).href);
    for (const [name, value] of Object.entries(module)) names.set(value, { file: basename(file), name });
  }
  return names;
}

if (import.meta.main) await writeFile(ENDPOINTS_FILE, await endpointsText());
