import assert from "node:assert/strict";
import { z } from "zod";
import type { DeclaredAnswer } from "../../packages/server/src/http/api-answer.ts";
import { type DeclaredRoute, declaredRoutes, nameOf } from "./declared-routes.ts";

/** What came back: parsed, where it is JSON. */
interface GivenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

let routes: Promise<readonly (readonly [RegExp, DeclaredRoute])[]> | undefined;

/**
 * Fails when a good answer is not what its route declares: another status or type, a key too few or one too many. What
 * no route knows is not looked at. `path`: below `/api/v4`.
 */
export async function checkAnswer(method: string, path: string, answer: GivenAnswer): Promise<void> {
  if (answer.status < 200 || answer.status >= 300) return;
  routes ??= readRoutes();
  const plain = `/${path.split("?", 1)[0]?.replace(/^\/+|\/+$/g, "") ?? ""}`;
  const found = (await routes).find(([pattern, route]) => route.method === method && pattern.test(plain));
  if (found === undefined) return;
  const [, route] = found;
  const wrong = wrongWith(route, answer);
  assert(wrong === null, `${nameOf(route)} (${path}) does not answer what it declares: ${wrong}`);
}

/** Those with fewer parameters first, as the router has it. */
async function readRoutes(): Promise<readonly (readonly [RegExp, DeclaredRoute])[]> {
  const slots = ({ path }: DeclaredRoute) => path.split(":").length;
  return [...(await declaredRoutes())]
    .sort((one, other) => slots(one) - slots(other))
    .map((route) => {
      const pattern = route.path.replaceAll(/[.]/g, "\\.").replaceAll(/:\w+/g, "[^/]+");
      return [new RegExp(`^${pattern}$`), route];
    });
}

function wrongWith({ method, answer }: DeclaredRoute, { status, headers, body }: GivenAnswer): string | null {
  const type = headers.get("content-type");
  const { statuses, schema, types } = expectationOf(method, answer);
  if (!statuses.includes(status)) return `status ${status}, not ${statuses.join(" or ")}`;
  if (answer === null) return body === null ? null : `a body: ${JSON.stringify(body)}`;
  const isJson = type === "application/json";
  if (!isJson && !types.some((each) => type?.startsWith(each))) return `content type ${type}`;
  if (schema === null || !isJson) return null;
  const parsed = schema.safeParse(body);
  if (!parsed.success) return `${z.prettifyError(parsed.error)}\n${JSON.stringify(body)}`;
  try {
    assert.deepEqual(body, parsed.data);
    return null;
  } catch (error) {
    return `keys that the schema does not have: ${String(error)}`;
  }
}

function expectationOf(
  method: string,
  answer: DeclaredAnswer,
): {
  readonly statuses: readonly number[];
  readonly schema: z.ZodType | null;
  readonly types: readonly string[];
} {
  if (answer === null) return { statuses: [204], schema: null, types: [] };
  if (!("kind" in answer)) return { statuses: [method === "POST" ? 201 : 200], schema: answer, types: [] };
  switch (answer.kind) {
    case "status":
      return { statuses: [answer.status], schema: answer.schema, types: [] };
    case "choice":
      return {
        statuses: answer.answers.map(({ status }) => status),
        schema: z.union(answer.answers.map(({ schema }) => schema)),
        types: [],
      };
    case "list":
      return { statuses: [200], schema: z.array(answer.item), types: [] };
    case "file":
      return { statuses: [200], schema: null, types: answer.mediaTypes };
    case "events":
      return { statuses: [200], schema: answer.otherwise, types: ["text/event-stream"] };
  }
}
