/** What of other programs' errors helps an operator. The rest may be a row, a query's values, a request, a socket. */
const TOLD = [
  "code",
  "kind",
  "errno",
  "syscall",
  "address",
  "port",
  "severity",
  "schema",
  "table",
  "column",
  "constraint",
  "routine",
  "command",
  "responseCode",
  "level",
  "retryAfterSeconds",
] as const;

/** Deeper is a mistake, or a circle. */
const MAX_DEPTH = 8;

/**
 * The fields of a log line, fit to be written: every text has passed `hide`, and an error is its type, message, stack,
 * causes and the few properties that help. Databases, HTTP clients and SSH hang whole rows and connections on theirs.
 */
export function fieldsForLog(fields: object, hide: (text: string) => string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, fit(value, hide, MAX_DEPTH)]),
  );
}

/** An error that nobody expected, as text: with stack and causes. */
export function describeUnexpected(error: unknown, hide: (text: string) => string): string {
  if (!(error instanceof Error)) return hide(String(error));
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < MAX_DEPTH; ) {
    causes.push(`caused by: ${cause instanceof Error ? stackOf(cause) : String(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return hide([stackOf(error), ...causes].join("\n"));
}

function fit(value: unknown, hide: (text: string) => string, depth: number): unknown {
  if (typeof value === "string") return hide(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (depth === 0) return "…";
  if (value instanceof Error) return fitError(value, hide, depth);
  if (Array.isArray(value)) return value.map((each) => fit(each, hide, depth - 1));
  // A connection or the like, with all that hangs on it.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor.name}]`;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fit(each, hide, depth - 1)]));
}

function fitError(error: Error, hide: (text: string) => string, depth: number): object {
  const told = TOLD.flatMap((name) => {
    const value: unknown = name in error ? Object.getOwnPropertyDescriptor(error, name)?.value : undefined;
    return typeof value === "string" || typeof value === "number" ? [[name, fit(value, hide, 1)]] : [];
  });
  return {
    type: error.constructor.name || error.name,
    message: hide(error.message),
    ...Object.fromEntries(told),
    stack: hide(stackOf(error)),
    ...(error.cause === undefined ? {} : { cause: fit(error.cause, hide, depth - 1) }),
    ...(error instanceof AggregateError ? { errors: fit(error.errors, hide, depth - 1) } : {}),
  };
}

function stackOf(error: Error): string {
  return error.stack ?? `${error.name}: ${error.message}`;
}
