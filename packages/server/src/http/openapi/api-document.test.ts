import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { declaredRoutes } from "../../../../../test/support/declared-routes.ts";
import type { DeclaredAnswer } from "../api-answer.ts";
import { type ApiRoute, apiRoute, noContent, ok } from "../api-route.ts";
import { type ApiOperation, describeApi } from "./api-document.ts";
import { MissingExample } from "./example-of.ts";

const routes = await declaredRoutes();
const AT = { version: "1.2.3", url: "https://heliostat.example.com/api/v4" };
const document = describeApi(routes, AT);

const nameOf = ({ method, path }: ApiRoute) => `${method} ${path}`;

function operationOf({ method, path }: ApiRoute): ApiOperation {
  const found = document.paths[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
  assert(found, `${method} ${path} is not described`);
  return found;
}

test("every route says what it does, and has its chapter", () => {
  for (const route of routes) {
    assert.match(route.summary, /^[A-Z][^`]{7,79}[^.]$/, nameOf(route));
    assert.notEqual(route.answer, undefined, nameOf(route));
    assert.notDeepEqual(
      operationOf(route).tags,
      ["Other"],
      `${nameOf(route)}: name its chapter in sections.ts`,
    );
  }
  const ids = routes.map((route) => operationOf(route).operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test("every parameter has a text and an example that the route takes", () => {
  const wrong: string[] = [];
  for (const route of routes) {
    assert(route.params instanceof z.ZodObject, nameOf(route));
    const { parameters, requestBody } = operationOf(route);
    const properties = requestBody?.content["application/json"]?.schema?.properties ?? {};
    for (const [name, schema] of Object.entries<z.ZodType>(route.params.shape)) {
      const parameter = parameters.find((each) => each.name.replace(/\[\]$/, "") === name);
      const text = parameter?.description ?? properties[name]?.description;
      const example = parameter === undefined ? properties[name]?.examples?.[0] : parameter.example;
      if (text === undefined) wrong.push(`${nameOf(route)}: field-notes.ts says nothing of ${name}`);
      if (!schema.safeParse(example).success)
        wrong.push(`${nameOf(route)}: ${name} is not ${JSON.stringify(example)}`);
    }
    const body = requestBody?.content["application/json"];
    if (body === undefined) continue;
    const path = Object.fromEntries(parameters.map(({ name, example }) => [name, example]));
    const { success, error } = route.params.safeParse({ ...path, ...Object(body.example) });
    if (!success) wrong.push(`${nameOf(route)}: the example ${JSON.stringify(body.example)}: ${error}`);
  }
  assert.deepEqual(wrong, []);
});

/** What comes as JSON, under the name of its media type's example. */
function schemaOf(answer: DeclaredAnswer): z.ZodType | null {
  if (answer === null) return null;
  if (!("kind" in answer)) return answer;
  switch (answer.kind) {
    case "list":
      return z.array(answer.item);
    case "status":
      return answer.schema;
    case "choice":
      return z.union(answer.answers.map(({ schema }) => schema));
    case "events":
      return answer.otherwise;
    case "file":
      return null;
  }
}

test("every answer has an example, which is such an answer to the last key", () => {
  for (const route of routes) {
    const good = Object.entries(operationOf(route).responses).filter(([status]) => status < "300");
    assert(good.length >= 1, nameOf(route));
    const schema = schemaOf(route.answer);
    const example = good[0]?.[1].content?.["application/json"]?.example;
    if (schema === null) assert.equal(example, undefined, nameOf(route));
    else assert.deepEqual(schema.parse(example), example, nameOf(route));
  }
});

test("every reference leads somewhere, and every path has its parameters", () => {
  const text = JSON.stringify(document);
  const references = new Set(text.match(/"#\/components\/[^"]+"/g) ?? []);
  assert(references.size > 60);
  for (const reference of references) {
    const steps = reference.slice(3, -1).split("/");
    const found = steps.reduce<unknown>((at, step) => Object(at)[step], document);
    assert.equal(typeof found, "object", reference);
  }
  assert.doesNotMatch(text, /\$defs|~standard|Surrogate/);
  for (const [path, operations] of Object.entries(document.paths)) {
    const slots = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters, responses, operationId } of Object.values(operations)) {
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      assert.deepEqual(inPath.map(({ name }) => name).sort(), [...slots].sort(), operationId);
      assert(inPath.every(({ required }) => required));
      assert(Object.keys(responses).length > 1, operationId);
    }
  }
});

/** What OpenAPI 3.1 and JSON Schema 2020-12 know of, as far as ours goes. */
const KEYWORDS = {
  document: ["openapi", "info", "servers", "tags", "paths", "components"],
  operation: [
    ...[
      "operationId",
      "summary",
      "description",
      "tags",
      "security",
      "parameters",
      "requestBody",
      "responses",
    ],
  ],
  parameter: ["name", "in", "required", "description", "schema", "style", "explode", "example"],
  schema: [
    ...[
      "$ref",
      "type",
      "format",
      "enum",
      "const",
      "minimum",
      "maximum",
      "exclusiveMinimum",
      "minItems",
      "maxItems",
    ],
    ...["minLength", "maxLength", "items", "properties", "required", "additionalProperties", "propertyNames"],
    ...["anyOf", "oneOf", "allOf", "not", "description", "default", "examples"],
  ],
} as const;

test("the document has the form of OpenAPI 3.1", () => {
  const only = (object: object, known: readonly string[], where: string) =>
    assert.deepEqual(
      Object.keys(object).filter((key) => !known.includes(key)),
      [],
      where,
    );
  function checkSchema(schema: unknown, where: string): void {
    if (typeof schema === "boolean") return;
    assert(typeof schema === "object" && schema !== null, where);
    only(schema, KEYWORDS.schema, where);
    const { items, properties, additionalProperties, anyOf, oneOf, type } = Object(schema);
    for (const each of [items, additionalProperties]) if (each !== undefined) checkSchema(each, where);
    for (const each of [...(anyOf ?? []), ...(oneOf ?? [])]) checkSchema(each, where);
    for (const [name, each] of Object.entries(properties ?? {})) checkSchema(each, `${where}.${name}`);
    const types = ["string", "integer", "number", "boolean", "array", "object", "null"];
    for (const each of [type ?? []].flat()) assert(types.includes(each), `${where}: ${each}`);
  }
  only(document, KEYWORDS.document, "the document");
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    assert.match(name, /^[A-Z][A-Za-z]+$/);
    assert.equal(schema.examples?.length, 1 + Number(name === "Error"), name);
    checkSchema(schema, name);
  }
  const schemes = Object.keys(document.components.securitySchemes);
  const tags = document.tags.map(({ name }) => name);
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const where = `${method} ${path}`;
      only(operation, KEYWORDS.operation, where);
      for (const parameter of operation.parameters) {
        only(parameter, KEYWORDS.parameter, where);
        checkSchema(parameter.schema, `${where} ${parameter.name}`);
      }
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        checkSchema(schema, where);
      for (const response of Object.values(operation.responses)) {
        for (const { schema } of Object.values(response.content ?? {}))
          if (schema) checkSchema(schema, where);
      }
      for (const each of operation.security) only(each, schemes, where);
      only(Object.fromEntries(operation.tags.map((tag) => [tag, 0])), tags, where);
    }
  }
});

test("who may come, and what excludes what, stands in the description", () => {
  const described = Object.fromEntries(routes.map((route) => [nameOf(route), operationOf(route)]));
  assert.deepEqual(described["GET /projects"]?.security, [{}, { privateToken: [] }, { bearer: [] }]);
  assert.deepEqual(described["POST /projects/:id/mirrors/:mirror_id/trigger"]?.security, [
    { triggerToken: [] },
  ]);
  const post = described["POST /projects/:id/remote_mirrors"];
  assert.match(post?.description ?? "", /At most one of `only_protected_branches`, `mirror_branch_regex`/);
  assert.doesNotMatch(described["GET /projects/:id/remote_mirrors"]?.description ?? "", /At most/);
  assert.deepEqual(Object.keys(described["GET /users"]?.responses["200"]?.headers ?? {}).slice(0, 2), [
    "Link",
    "X-Page",
  ]);
  assert.deepEqual(Object.keys(post?.requestBody?.content ?? {}), [
    "application/json",
    "application/x-www-form-urlencoded",
  ]);
});

test("a field without an example is named", () => {
  const params = z.object({});
  const route = (path: string, answer: z.ZodType) =>
    apiRoute({
      ...{ method: "GET", path, access: "anyone", summary: "Show a thing", params, answer },
      handle: async () => ok({}),
    });
  assert.throws(
    () => describeApi([route("/things", z.object({ wheels: z.int() }))], AT),
    (error) => error instanceof MissingExample && /no example for \.wheels/.test(error.message),
  );
  const nothing = apiRoute({
    ...{ method: "DELETE", path: "/things/:id", access: "api", summary: "Remove a thing", answer: null },
    params: z.object({ id: z.int() }),
    handle: async () => noContent(),
  });
  assert.deepEqual(Object.keys(describeApi([nothing], AT).paths), ["/things/{id}"]);
});
