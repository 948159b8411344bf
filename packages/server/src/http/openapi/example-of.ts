import { FIELD_NOTES } from "./field-notes.ts";
import { type JsonSchema, type NamedSchemas, nameOfReference } from "./json-schema.ts";

/** Of an example that is missing: it names the field. */
export class MissingExample extends Error {}

const TIME = "2026-11-20T09:30:00.000Z";
const DAY = "2027-03-31";

/**
 * An example of what has this schema, made of those of its fields. `name`: of the field that it is of. `owner`: of the
 * schema that the field is in.
 */
export function exampleOf(schema: JsonSchema, named: NamedSchemas, name: string, owner = ""): unknown {
  if (schema.$ref !== undefined) {
    const inner = nameOfReference(schema.$ref);
    return exampleOf(named.get(inner) ?? {}, named, name, inner);
  }
  const whole = exampleOfObject(schema, named, name, owner);
  if (whole !== undefined) return whole;
  const noted = [...suffixesOf(owner).map((suffix) => `${suffix}.${name}`), name].flatMap(
    (key) => FIELD_NOTES[key]?.examples ?? [],
  );
  const fitting = noted.find((example) => fits(example, schema));
  if (fitting !== undefined) return fitting;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) {
    const other = schema.anyOf.find(({ type }) => type !== "null");
    return other === undefined ? null : exampleOf(other, named, name, owner);
  }
  const type = typeof schema.type === "string" ? schema.type : schema.type?.find((each) => each !== "null");
  switch (type) {
    case "array":
      return isNever(schema.items) ? [] : [exampleOf(schema.items ?? {}, named, name, owner)];
    case "boolean":
      return false;
    case "null":
      return null;
    case "string":
      if (schema.format === "date-time") return TIME;
      if (schema.format === "date") return DAY;
      break;
    case undefined:
      // Anything goes.
      return {};
  }
  throw new MissingExample(`field-notes.ts has no example for ${owner}.${name} (${JSON.stringify(schema)})`);
}

function exampleOfObject(
  { type, properties, additionalProperties, propertyNames }: JsonSchema & { propertyNames?: JsonSchema },
  named: NamedSchemas,
  name: string,
  owner: string,
): object | undefined {
  if (type !== "object") return undefined;
  if (properties !== undefined) {
    return Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, exampleOf(value, named, key, owner)]),
    );
  }
  if (typeof additionalProperties !== "object" || Object.keys(additionalProperties).length === 0) return {};
  return Object.fromEntries(
    (propertyNames?.enum ?? ["key"]).map((key) => [key, exampleOf(additionalProperties, named, name, owner)]),
  );
}

/** Whether a value is of the schema's type: what is in objects is not looked at. */
function fits(value: unknown, schema: JsonSchema): boolean {
  if (schema.anyOf !== undefined) return schema.anyOf.some((each) => fits(value, each));
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.const !== undefined) return schema.const === value;
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  if (Array.isArray(value) && !value.every((item) => fits(item, schema.items ?? {}))) return false;
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  if (type === "number") return types.includes("integer") || types.includes("number");
  if (type === "string" && schema.format !== undefined) return false;
  return types.includes(type);
}

function isNever(schema: JsonSchema | undefined): boolean {
  return schema !== undefined && "not" in schema;
}

/** `WholeMirrorUpdate` is a `MirrorUpdate` too, and an `Update`. */
function suffixesOf(owner: string): readonly string[] {
  return [...owner.matchAll(/[A-Z]/g)].map(({ index }) => owner.slice(index));
}
