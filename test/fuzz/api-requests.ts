import fc from "fast-check";
import type { ApiDocument, ApiOperation } from "../../packages/server/src/http/openapi/api-document.ts";
import type { JsonSchema } from "../../packages/server/src/http/openapi/json-schema.ts";

/** A request to the API, made from its description. */
export interface FuzzedRequest {
  readonly method: string;
  /** Below the server's address, with its query. */
  readonly target: string;
  readonly body: string | null;
  readonly contentType: string;
}

/** What exists: the values that a parameter in the path may have, by its name, or by `path name` where paths differ. */
export type Existing = Readonly<Record<string, readonly (string | number)[]>>;

/** Of the parameters that make the server speak to somebody: nothing listens there, and nobody is asked for a name. */
const REMOTES = [
  ...[
    "http://127.0.0.1:1025/x.git",
    "https://user:secret@127.0.0.1:1025/x.git",
    "ssh://git@127.0.0.1:1025/x.git",
  ],
  ...[
    "",
    " ",
    "x",
    "http://",
    "http://[::1",
    "ssh://127.0.0.1:99999/x",
    "file:///etc/passwd",
    "ext::sh -c x",
  ],
  ...[
    "git://127.0.0.1:1025/x",
    "http://127.0.0.1:1025/\u0000",
    "http://127.0.0.1:1025/%",
    `http://127.0.0.1:1025/${"x".repeat(5000)}`,
  ],
];

/** Values that no schema asks for. */
const ODD: readonly unknown[] = [
  ...[
    null,
    "",
    " ",
    "0",
    "-1",
    "00",
    "1e3",
    "NaN",
    "true",
    "maybe",
    0,
    -1,
    1.5,
    1e21,
    2 ** 31,
    2 ** 53,
    true,
    false,
  ],
  ...[
    "\u0000",
    "a\u0000b",
    "\ud800",
    "\u202e",
    "ä".repeat(300),
    "x".repeat(5000),
    "%",
    "%00",
    "../..",
    "a/b",
    "--x",
  ],
  ...[
    "'; select 1; --",
    "{{7*7}}",
    "*",
    "[",
    "(?=a)",
    "(a+)+$",
    "\\",
    "2026-02-30",
    "2026-13-01T99:99:99Z",
    "0000-00-00",
  ],
  ...[
    "9999-12-31",
    "9999-12-31T23:59:59Z",
    "-271821-04-20T00:00:00Z",
    "__proto__",
    "constructor",
    "refs/heads/main",
  ],
  ...[
    [],
    {},
    [null],
    [[]],
    [{}],
    [""],
    ["x", 1, null],
    { a: 1 },
    { "0": "x" },
    { length: 1e9 },
    { __proto__: null },
  ],
];

/**
 * Requests to every operation of the document: some as it asks for, some that break its rules in one place or in many,
 * as JSON, as a form, or in the query.
 */
export function fuzzedRequests(
  document: ApiDocument,
  existing: Existing,
): fc.Arbitrary<readonly FuzzedRequest[]> {
  const base = new URL(document.servers[0]?.url ?? "").pathname;
  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) =>
      requestTo(base, path, method.toUpperCase(), operation, existing),
    ),
  );
  return fc.tuple(...all);
}

function requestTo(
  base: string,
  path: string,
  method: string,
  operation: ApiOperation,
  existing: Existing,
): fc.Arbitrary<FuzzedRequest> {
  const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
  const inQuery = operation.parameters.filter((parameter) => parameter.in === "query");
  const body = operation.requestBody?.content["application/json"]?.schema;
  const slots = fc.record(
    Object.fromEntries(inPath.map(({ name, schema }) => [name, slotOf(path, name, schema, existing)])),
  );
  const query = valuesOf(
    inQuery.map(({ name, schema, required, example }) => ({
      name: name.replace("[]", ""),
      schema,
      required,
      example,
    })),
  );
  const fields = valuesOf(
    Object.entries(body?.properties ?? {}).map(([name, schema]) => ({
      ...{ name, schema, required: body?.required?.includes(name) ?? false, example: schema.examples?.[0] },
    })),
  );
  const form = fc.constantFrom("json", "json", "form", "query", "multipart-broken", "json-broken");
  return fc.record({ slots, query, fields, form }).map(({ slots, query, fields, form }) => {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encode(slots[name]));
    const isInQuery = form === "query" || method === "GET";
    const search = new URLSearchParams(pairsOf({ ...query, ...(isInQuery ? fields : {}) })).toString();
    const target = `${base}${filled}${search === "" ? "" : `?${search}`}`;
    if (isInQuery || (Object.keys(fields).length === 0 && !form.endsWith("broken"))) {
      return { method, target, body: null, contentType: "" };
    }
    switch (form) {
      case "form":
        return {
          ...{ method, target, body: new URLSearchParams(pairsOf(fields)).toString() },
          contentType: "application/x-www-form-urlencoded",
        };
      case "multipart-broken":
        return {
          method,
          target,
          body: JSON.stringify(fields),
          contentType: "multipart/form-data; boundary=x",
        };
      case "json-broken":
        return { method, target, body: JSON.stringify(fields).slice(0, -1), contentType: "application/json" };
      default:
        return { method, target, body: JSON.stringify(fields), contentType: "application/json" };
    }
  });
}

function slotOf(path: string, name: string, schema: JsonSchema, existing: Existing): fc.Arbitrary<unknown> {
  const known = existing[`${path} ${name}`] ??
    existing[`${path.split("/")[1]} ${name}`] ??
    existing[name] ?? [2, 3];
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<unknown>(...known) },
    { weight: 1, arbitrary: valid(schema) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD.filter((value) => typeof value !== "object")) },
  );
}

interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly required: boolean;
  readonly example: unknown;
}

/** Values for some of these fields; now and then one is missing that must be there. */
function valuesOf(fields: readonly Field[]): fc.Arbitrary<Record<string, unknown>> {
  const chances = fields.map(({ name, schema, required, example }) => {
    const good = isRemote(name)
      ? fc.constantFrom<unknown>(...REMOTES)
      : fc.oneof(fc.constant(example), valid(schema));
    const value = fc.oneof(
      { weight: 6, arbitrary: good },
      { weight: 2, arbitrary: isRemote(name) ? good : fc.constantFrom(...ODD) },
    );
    const isThere = fc.nat({ max: 19 }).map((chance) => (required ? chance > 0 : chance < 7));
    return fc.tuple(isThere, value).map(([there, given]) => (there ? [[name, given] as const] : []));
  });
  if (chances.length === 0) return fc.constant({});
  return fc.tuple(...chances).map((entries) => Object.fromEntries(entries.flat()));
}

function isRemote(name: string): boolean {
  return name.endsWith("url");
}

function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valid));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? ["string"]);
  return fc.oneof(...types.map((type) => ofType(type, schema)));
}

function ofType(type: string, schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (type) {
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? 0, max: 100 }),
        fc.integer({ min: schema.minimum ?? -(2 ** 31), max: schema.maximum ?? 2 ** 31 }),
        fc.maxSafeInteger(),
      );
    case "array":
      return fc.array(valid(schema.items ?? {}), { maxLength: 4 });
    case "object":
      return fc.record(
        Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([name, each]) => [name, valid(each)]),
        ),
        { requiredKeys: [] },
      );
    case "null":
      return fc.constant(null);
    default:
      return fc.oneof(
        fc.string({ maxLength: 20 }),
        fc.string({ unit: "grapheme", maxLength: 10 }),
        fc.lorem(),
      );
  }
}

/** As a form has them: `k[]=a`, `k[a]=b`. */
function pairsOf(values: Readonly<Record<string, unknown>>): [string, string][] {
  const pairs: [string, string][] = [];
  const add = (key: string, value: unknown, depth: number): void => {
    if (Array.isArray(value)) for (const each of value) add(`${key}[]`, each, depth + 1);
    else if (typeof value === "object" && value !== null && depth < 4) {
      for (const [name, each] of Object.entries(value)) add(`${key}[${name}]`, each, depth + 1);
    } else pairs.push([key.toWellFormed(), String(value ?? "").toWellFormed()]);
  };
  for (const [name, value] of Object.entries(values)) add(name, value, 0);
  return pairs;
}

function encode(value: unknown): string {
  const text = encodeURIComponent(String(value).toWellFormed());
  // Or it would be another path.
  return text === "" || text === "." || text === ".." ? "%20" : text;
}
