import { z } from "zod";
import type { DeclaredAnswer } from "../api-answer.ts";
import type { ApiRoute } from "../api-route.ts";
import { exampleOf } from "./example-of.ts";
import { FIELD_NOTES } from "./field-notes.ts";
import { answerSchema, type JsonSchema, type NamedSchemas, parameterSchema } from "./json-schema.ts";
import { SECTION_TITLES, sectionOf } from "./sections.ts";

/** One parameter of an operation that stands in its path or query. */
export interface ApiParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly style?: string;
  readonly explode?: boolean;
  readonly example: unknown;
}

interface Media {
  readonly schema?: JsonSchema;
  readonly example?: unknown;
}

export interface ApiResponse {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, Media>>;
}

/** What one method does at one path. */
export interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly ApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, ApiResponse>>;
}

/** The description of the API, by OpenAPI 3.1. */
export interface ApiDocument {
  readonly openapi: "3.1.1";
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly summary: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly headers: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, ApiResponse>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

/** Describes these routes as they are declared. `MissingExample` where a field has none. */
export function describeApi(
  routes: readonly ApiRoute[],
  { version, url }: { readonly version: string; readonly url: string },
): ApiDocument {
  const named: NamedSchemas = new Map();
  const paths: Record<string, Record<string, ApiOperation>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeRoute(route, named) };
  }
  const used = new Set(routes.map(({ path }) => sectionOf(path)));
  return {
    openapi: "3.1.1",
    info: {
      title: "Heliostat",
      version,
      summary: "Git repositories that are kept in step with their copies elsewhere.",
      description: INTRODUCTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url }],
    tags: SECTION_TITLES.filter((title) => used.has(title)).map((name) => ({ name })),
    paths,
    components: {
      schemas: {
        ...Object.fromEntries(
          [...named].map(([name, schema]) => [
            name,
            { ...schema, examples: [exampleOf({ $ref: `#/components/schemas/${name}` }, named, name)] },
          ]),
        ),
        Error: ERROR_SCHEMA,
      },
      headers: PAGE_HEADERS,
      responses: Object.fromEntries(
        Object.entries(REFUSALS).map(([status, { name, description, example }]) => [
          name,
          {
            description,
            content: {
              "application/json": { schema: { $ref: "#/components/schemas/Error" }, example },
            },
            ...(status === "429"
              ? { headers: { "Retry-After": { $ref: "#/components/headers/Retry-After" } } }
              : {}),
          },
        ]),
      ),
      securitySchemes: {
        privateToken: {
          type: "apiKey",
          in: "header",
          name: "PRIVATE-TOKEN",
          description: "An access token.",
        },
        bearer: { type: "http", scheme: "bearer", description: "The same access token." },
        triggerToken: {
          type: "apiKey",
          in: "header",
          name: "X-Gitlab-Token",
          description: "A trigger token of the mirror: it can start its updates, and nothing else.",
        },
      },
    },
  };
}

const INTRODUCTION = [
  "Endpoints that GitLab has too take its parameters and answer its keys; those that it has no word for are ours.",
  'Parameters may stand in the query, in a JSON body or in a form, and are read leniently: `true`, `"true"` and `1` are the same.',
  "What is not known is ignored. `:id` of a project, group or namespace is its number or its full path, URL-encoded.",
  "Lists come in pages: `page` and `per_page`, with the headers `Link`, `X-Total` and `X-Next-Page`.",
  "A token is sent as `PRIVATE-TOKEN`, as `Authorization: Bearer` or as the parameter `private_token`.",
].join("\n");

const ACCESS: Readonly<Record<ApiRoute["access"], string>> = {
  anyone: "Open to anyone who may see the thing; a token needs the scope `read_api` or `api`.",
  read_code:
    "Open to anyone who may see the code; a token needs the scope `read_api`, `api` or `read_repository`.",
  read_api: "Needs a token with the scope `read_api` or `api`.",
  api: "Needs a token with the scope `api`.",
  token: "Needs a token, of any scope.",
  "trigger-token": "Needs a trigger token.",
};

function describeRoute(route: ApiRoute, named: NamedSchemas): ApiOperation {
  const fields = fieldsOf(route);
  const inPath = new Set((route.path.match(/:\w+/g) ?? []).map((name) => name.slice(1)));
  const takesBody = route.method !== "GET" && route.method !== "DELETE";
  const body = takesBody ? fields.filter(({ name }) => !inPath.has(name)) : [];
  const place = (name: string) => (inPath.has(name) ? "path" : "query");
  const parameters = fields
    .filter((field) => !body.includes(field))
    .map(({ name, schema, isRequired, text, example }): ApiParameter => {
      const isList = schema.type === "array";
      return {
        name: isList ? `${name}[]` : name,
        in: place(name),
        required: isRequired || inPath.has(name),
        ...(text === "" ? {} : { description: text }),
        schema,
        ...(isList ? { style: "form", explode: true } : {}),
        example,
      };
    });
  return {
    operationId: operationIdOf(route),
    summary: route.summary,
    description: [ACCESS[route.access], ...rulesOf(route, fields)].join("\n"),
    tags: [sectionOf(route.path)],
    security: securityOf(route),
    parameters,
    ...(body.length === 0 ? {} : { requestBody: bodyOf(body) }),
    responses: { ...answersOf(route, named), ...refusalsOf(route, inPath.size > 0) },
  };
}

interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
  readonly text: string;
  readonly example: unknown;
}

function fieldsOf({ params, path }: ApiRoute): readonly Field[] {
  const { shape } = params instanceof z.ZodObject ? params : z.object({});
  return Object.entries<z.ZodType>(shape).map(([name, schema]) => {
    const json = parameterSchema(schema);
    const text = FIELD_NOTES[name]?.text ?? (name.endsWith("_events") ? "Whether it is told of these." : "");
    return {
      name,
      schema: json,
      isRequired: !schema.safeParse(undefined).success,
      text,
      example: exampleOf(json, new Map(), name, sectionOf(path)),
    };
  });
}

function bodyOf(fields: readonly Field[]) {
  const required = fields.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  const schema = {
    type: "object",
    properties: Object.fromEntries(
      fields.map(({ name, schema: inner, text, example }) => [
        name,
        { ...inner, ...(text === "" ? {} : { description: text }), examples: [example] },
      ]),
    ),
    ...(required.length === 0 ? {} : { required }),
  };
  const shown = required.length === 0 ? fields.slice(0, 1) : fields.filter(({ isRequired }) => isRequired);
  const example = Object.fromEntries(shown.map((field) => [field.name, field.example]));
  return {
    required: required.length > 0,
    content: {
      "application/json": { schema, example },
      "application/x-www-form-urlencoded": { schema },
    },
  };
}

/** `GET /projects/:id/hooks` → `getProjectsIdHooks`. */
function operationIdOf({ method, path }: ApiRoute): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function securityOf({ access, orTriggerToken }: ApiRoute): ApiOperation["security"] {
  const ofTrigger = [{ triggerToken: [] }];
  if (access === "trigger-token") return ofTrigger;
  const ofUser = [{ privateToken: [] }, { bearer: [] }, ...(orTriggerToken ? ofTrigger : [])];
  return access === "anyone" || access === "read_code" ? [{}, ...ofUser] : ofUser;
}

function rulesOf({ rules, orTriggerToken }: ApiRoute, fields: readonly Field[]): readonly string[] {
  // Rules are shared between routes, and name parameters that this one may not have.
  const namesOf = (names: readonly string[] = []) =>
    names.filter((name) => fields.some((field) => field.name === name)).map((name) => `\`${name}\``);
  const exclusive = namesOf(rules.mutuallyExclusive);
  const needed = namesOf([...(rules.atLeastOneOf ?? []), ...(rules.orOneOf ?? [])]);
  return [
    ...(orTriggerToken ? ["A trigger token of the mirror does too."] : []),
    ...(exclusive.length < 2 ? [] : [`At most one of ${exclusive.join(", ")}.`]),
    ...(needed.length === 0 ? [] : [`At least one of ${needed.join(", ")}.`]),
  ];
}

function answersOf({ method, answer }: ApiRoute, named: NamedSchemas): Record<string, ApiResponse> {
  if (answer === null) return { "204": { description: "Done." } };
  if (!("kind" in answer)) return { [method === "POST" ? "201" : "200"]: jsonOf(answer, named) };
  switch (answer.kind) {
    case "status":
      return { [answer.status]: jsonOf(answer.schema, named) };
    case "choice":
      return Object.fromEntries(answer.answers.map(({ status, schema }) => [status, jsonOf(schema, named)]));
    case "list": {
      const item = answerSchema(answer.item, named);
      const schema = { type: "array", items: item };
      const content = { "application/json": { schema, example: [exampleOf(item, named, "item")] } };
      return {
        "200": { description: "A list.", ...(answer.isPaged ? { headers: headersOfPages() } : {}), content },
      };
    }
    case "file":
      return {
        "200": {
          description: "The file.",
          content: Object.fromEntries(answer.mediaTypes.map((type) => [type, {}])),
        },
      };
    case "events": {
      const stream = {
        "text/event-stream": { schema: { type: "string" }, example: eventsExample(answer, named) },
      };
      const { otherwise } = answer;
      if (otherwise === null) return { "200": { description: "Server-sent events.", content: stream } };
      const { content } = jsonOf(otherwise, named);
      const description = "Server-sent events with `Accept: text/event-stream`, else JSON.";
      return { "200": { description, content: { ...content, ...stream } } };
    }
  }
}

function eventsExample({ events }: Extract<DeclaredAnswer, { kind: "events" }>, named: NamedSchemas): string {
  return Object.entries(events)
    .map(([name, schema]) => {
      const data = JSON.stringify(exampleOf(answerSchema(schema, named), named, name));
      return `event: ${name}\nid: 41\ndata: ${data}\n\n`;
    })
    .join("");
}

function jsonOf(schema: z.ZodType, named: NamedSchemas): ApiResponse {
  const json = answerSchema(schema, named);
  return {
    description: "Done.",
    content: { "application/json": { schema: json, example: exampleOf(json, named, "answer") } },
  };
}

function headersOfPages(): Readonly<Record<string, { readonly $ref: string }>> {
  const names = Object.keys(PAGE_HEADERS).filter((name) => name !== "Retry-After");
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

const PAGE_HEADERS: Readonly<Record<string, object>> = {
  Link: {
    description: "The pages before and after this one, the first and the last.",
    schema: { type: "string" },
    example: '<https://heliostat.example.com/api/v4/projects?page=2&per_page=20>; rel="next"',
  },
  "X-Page": { schema: { type: "integer" }, example: 1 },
  "X-Per-Page": { schema: { type: "integer" }, example: 20 },
  "X-Next-Page": { description: "Empty on the last page.", schema: { type: "string" }, example: "2" },
  "X-Prev-Page": { description: "Empty on the first page.", schema: { type: "string" }, example: "" },
  "X-Total": { description: "Left out where nobody has counted.", schema: { type: "integer" }, example: 31 },
  "X-Total-Pages": { schema: { type: "integer" }, example: 2 },
  "Retry-After": { description: "Seconds to wait.", schema: { type: "integer" }, example: 5 },
};

/** GitLab's forms of an error. */
const ERROR_SCHEMA: JsonSchema = {
  anyOf: [
    {
      type: "object",
      required: ["message"],
      properties: {
        message: {
          description: "A sentence, several, or complaints by field.",
          anyOf: [
            { type: "string" },
            { type: "array", items: { type: "string" } },
            {
              type: "object",
              additionalProperties: {
                anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
              },
            },
          ],
        },
        error_code: { type: "string" },
      },
    },
    {
      type: "object",
      required: ["error"],
      properties: {
        error: { type: "string" },
        error_description: { type: "string" },
        scope: { type: "string" },
      },
    },
  ],
  examples: [{ message: "404 Project Not Found" }, { error: "name is missing" }],
};

const REFUSALS: Readonly<
  Record<string, { readonly name: string; readonly description: string; readonly example: object }>
> = {
  "400": { name: "BadRequest", description: "A parameter is wrong.", example: { error: "name is missing" } },
  "401": {
    name: "Unauthorized",
    description: "No token, or one that is not taken.",
    example: { message: "401 Unauthorized" },
  },
  "403": {
    name: "Forbidden",
    description: "The token's scope, or the user's role, does not allow it.",
    example: { message: "403 Forbidden" },
  },
  "404": {
    name: "NotFound",
    description: "It is not there, or not to be seen.",
    example: { message: "404 Project Not Found" },
  },
  "409": {
    name: "Conflict",
    description: "It is there already.",
    example: { message: "It is there already." },
  },
  "412": {
    name: "PreconditionFailed",
    description: "It was changed since the time in `If-Unmodified-Since`.",
    example: { message: "412 Precondition Failed" },
  },
  "422": {
    name: "Unprocessable",
    description: "A remote refused it, or a rule of the project does.",
    example: { message: "The remote refused the credential." },
  },
  "429": { name: "TooMany", description: "Too much at a time.", example: { message: "Try again later." } },
};

function refusalsOf(
  { access, method, form }: ApiRoute,
  hasPathParameters: boolean,
): Readonly<Record<string, ApiResponse>> {
  const isOpen = access === "anyone" || access === "read_code";
  const statuses = [
    "400",
    "401",
    ...(isOpen ? [] : ["403"]),
    ...(hasPathParameters ? ["404"] : []),
    ...(method === "GET" ? [] : ["409", "422"]),
    ...(form.conflictStatus === 412 ? ["412"] : []),
    "429",
  ];
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${REFUSALS[status]?.name}` }]),
  );
}
