import { createHash } from "node:crypto";
import type { ApiDocument, ApiOperation, ApiResponse } from "./api-document.ts";
import { PAGE_SCRIPT } from "./api-page-script.ts";
import { PAGE_STYLE } from "./api-page-style.ts";
import { type JsonSchema, nameOfReference } from "./json-schema.ts";

/** Nothing runs and nothing shows but what is in the page itself. */
export const API_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    `default-src 'none'; style-src ${hashOf(PAGE_STYLE)}; script-src ${hashOf(PAGE_SCRIPT)}; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "content-type": "text/html; charset=utf-8",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

interface Endpoint {
  readonly path: string;
  readonly method: string;
  readonly operation: ApiOperation;
}

/** The document as one page for people, which needs nothing but itself. */
export function renderApiPage(document: ApiDocument): string {
  const endpoints = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): Endpoint => ({ path, method, operation })),
  );
  const sections = document.tags.map(({ name }) => ({
    name,
    id: idOf(name),
    endpoints: endpoints.filter(({ operation }) => operation.tags.includes(name)).sort(shortestFirst),
  }));
  const url = document.servers[0]?.url ?? "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Heliostat</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<a class="skip" href="#endpoints">Skip to the endpoints</a>
<header>
<a class="brand" href="/"><svg viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="11"/><path d="M16 5a11 11 0 0 1 0 22z"/></svg>Heliostat</a>
<div class="search"><input id="search" type="search" placeholder="Find an endpoint or a parameter" aria-label="Find an endpoint or a parameter" aria-controls="endpoints" autocomplete="off" spellcheck="false"><kbd aria-hidden="true">/</kbd></div>
</header>
<div class="columns">
<nav aria-label="Chapters"><ul>
${sections.map(({ name, id, endpoints }) => `<li><a href="#${id}">${escapeHtml(name)}<span class="count">${endpoints.length}</span></a></li>`).join("\n")}
</ul></nav>
<main id="endpoints" tabindex="-1">
<h1>The API</h1>
${document.info.description
  .split("\n")
  .map((line) => `<p class="lead">${inline(line)}</p>`)
  .join("\n")}
<p class="facts">Version ${escapeHtml(document.info.version)} · <code>${escapeHtml(url)}</code> · <a href="/api/v4/openapi.json">openapi.json</a></p>
<p id="found" role="status" hidden></p>
${sections.map((section) => renderSection(section, document)).join("\n")}
</main>
</div>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

/** A list comes before one of its things, and that before what it has. */
function shortestFirst(one: Endpoint, other: Endpoint): number {
  const depth = ({ path }: Endpoint) => path.split("/").length;
  return depth(one) - depth(other) || one.path.localeCompare(other.path);
}

function renderSection(
  {
    name,
    id,
    endpoints,
  }: { readonly name: string; readonly id: string; readonly endpoints: readonly Endpoint[] },
  document: ApiDocument,
): string {
  return `<section id="${id}"><h2>${escapeHtml(name)}</h2>
${endpoints.map((endpoint) => renderEndpoint(endpoint, document)).join("\n")}
</section>`;
}

interface Row {
  readonly name: string;
  readonly place: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly text: string;
}

function renderEndpoint(endpoint: Endpoint, document: ApiDocument): string {
  const { path, method, operation } = endpoint;
  const rows = rowsOf(operation);
  const words = [method, path, operation.summary, ...rows.map(({ name }) => name)].join(" ").toLowerCase();
  return `<details id="${operation.operationId}" data-words="${escapeHtml(words)}">
<summary><span class="method ${method}">${method.toUpperCase()}</span><code class="path">${pathOf(path)}</code><span class="what">${escapeHtml(operation.summary)}</span></summary>
<div class="body">
${operation.description
  .split("\n")
  .map((line) => `<p>${inline(line)}</p>`)
  .join("\n")}
${rows.length === 0 ? "" : tableOf(rows)}
<h3>Request</h3>
<pre tabindex="0">${escapeHtml(curlOf(endpoint, document))}</pre>
${Object.entries(operation.responses)
  .filter(([, response]) => response.$ref === undefined)
  .map(([status, response]) => answerOf(status, response))
  .join("\n")}
<p class="refusals">Refusals: ${Object.keys(operation.responses)
    .filter((status) => status >= "400")
    .map((status) => `<code>${status}</code>`)
    .join(" ")}</p>
</div>
</details>`;
}

function rowsOf(operation: ApiOperation): readonly Row[] {
  const { properties = {}, required = [] } = operation.requestBody?.content["application/json"]?.schema ?? {};
  return [
    ...operation.parameters.map(
      ({ name, in: place, required: isRequired, schema, description: text = "" }): Row => ({
        ...{ name, place, type: typeOf(schema), isRequired, text },
      }),
    ),
    ...Object.entries(properties).map(
      ([name, schema]): Row => ({
        ...{ name, place: "body", type: typeOf(schema), isRequired: required.includes(name) },
        text: schema.description ?? "",
      }),
    ),
  ];
}

function tableOf(rows: readonly Row[]): string {
  return `<h3>Parameters</h3>
<table><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>
${rows
  .map(
    ({ name, place, type, isRequired, text }) =>
      `<tr><th scope="row"><code>${escapeHtml(name)}</code>${isRequired ? '<span class="must">required</span>' : ""}</th><td>${escapeHtml(type)}<span class="place">${place}</span></td><td>${inline(text)}</td></tr>`,
  )
  .join("\n")}
</tbody></table>`;
}

/** A type in a few words: `integer or null`, `pull, push or bidirectional`. */
function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return nameOfReference(schema.$ref);
  if (schema.anyOf !== undefined) return orOf([...new Set(schema.anyOf.map(typeOf))]);
  if (schema.enum !== undefined) return orOf(schema.enum.map(String));
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? ["anything"]);
  return orOf(types);
}

function orOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function curlOf({ path, method, operation }: Endpoint, document: ApiDocument): string {
  const filled = operation.parameters
    .filter((parameter) => parameter.in === "path")
    .reduce(
      (text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(String(example))),
      path,
    );
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query" && parameter.required)
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
    .join("&");
  const url = `${document.servers[0]?.url ?? ""}${filled}${query === "" ? "" : `?${query}`}`;
  const lines = [
    `curl${method === "get" ? "" : ` --request ${method.toUpperCase()}`} ${quote(url)}`,
    ...headerOf(operation),
  ];
  const body = operation.requestBody?.content["application/json"]?.example;
  if (body !== undefined) {
    lines.push('--header "Content-Type: application/json"', `--data ${quote(JSON.stringify(body))}`);
  }
  return lines.join(" \\\n  ");
}

function headerOf({ security }: ApiOperation): readonly string[] {
  if (security.some((each) => Object.keys(each).length === 0)) return [];
  if (security.some((each) => "privateToken" in each)) return ['--header "PRIVATE-TOKEN: $TOKEN"'];
  return ['--header "X-Gitlab-Token: $TRIGGER_TOKEN"'];
}

/** For a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function answerOf(status: string, { description = "", content = {} }: ApiResponse): string {
  const shown = Object.entries(content).map(([type, { example }]) => {
    if (example === undefined) return `<p><code>${escapeHtml(type)}</code></p>`;
    const text = typeof example === "string" ? example : JSON.stringify(example, null, 2);
    return `<pre tabindex="0">${escapeHtml(text)}</pre>`;
  });
  return `<h3>Answer <span class="status">${status}</span></h3>
${shown.length === 0 ? `<p>${escapeHtml(description)} There is no body.</p>` : shown.join("\n")}`;
}

function pathOf(path: string): string {
  return escapeHtml(path)
    .replaceAll("/", "/<wbr>")
    .replaceAll(/\{(\w+)\}/g, '<span class="slot">:$1</span>');
}

function idOf(title: string): string {
  return `chapter-${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
}

/** Text with its `code` marked. */
function inline(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
