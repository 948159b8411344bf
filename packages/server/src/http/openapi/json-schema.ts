import { z } from "zod";

/** A JSON Schema of draft 2020-12, as far as ours go. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

const REF = "#/components/schemas/";

/** Schemas by their names, filled as they are met. */
export type NamedSchemas = Map<string, JsonSchema>;

/** The schema of an answer. Those with a name of their own go into `named`, and are referred to. */
export function answerSchema(schema: z.ZodType, named: NamedSchemas): JsonSchema {
  const { $defs = {}, ...root } = z.toJSONSchema(schema, { io: "output", unrepresentable: "any" });
  for (const [name, definition] of Object.entries($defs)) {
    if (!named.has(name)) named.set(name, tidy(definition));
  }
  return tidy(root);
}

/** The schema of a parameter: the strict form of what is taken, which is more lenient. */
export function parameterSchema(schema: z.ZodType): JsonSchema {
  return tidy(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }));
}

/** The name in a reference to a named schema. */
export function nameOfReference(reference: string): string {
  return reference.slice(REF.length);
}

/**
 * Leaves out what only says how we check: patterns that other languages cannot read, the bounds of what JSON numbers can
 * hold, and that an answer has no other keys (a newer server may have more).
 */
function tidy(value: unknown): JsonSchema {
  if (typeof value !== "object" || value === null) return {};
  const node: Record<string, unknown> = { ...value };
  delete node["$schema"];
  delete node["id"];
  delete node["~standard"];
  if (node["additionalProperties"] === false) delete node["additionalProperties"];
  if (typeof node["pattern"] === "string") delete node["pattern"];
  if (node["minimum"] === Number.MIN_SAFE_INTEGER) delete node["minimum"];
  if (node["maximum"] === Number.MAX_SAFE_INTEGER) delete node["maximum"];
  if (typeof node["$ref"] === "string") node["$ref"] = node["$ref"].replace("#/$defs/", REF);
  for (const key of ["items", "additionalProperties", "propertyNames"]) {
    if (typeof node[key] === "object") node[key] = tidy(node[key]);
  }
  for (const key of ["anyOf", "oneOf", "allOf"]) {
    const list = node[key];
    if (Array.isArray(list)) node[key] = list.map(tidy);
  }
  const { properties } = node;
  if (typeof properties === "object" && properties !== null) {
    node["properties"] = Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name, tidy(schema)]),
    );
  }
  return node;
}
