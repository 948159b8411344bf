import { ERROR_CODES, type ErrorCode, type ErrorKind } from "@heliostat/contract";

export interface HeliostatErrorOptions {
  readonly cause?: unknown;
  /** Model errors in GitLab's form: field → messages, such as `{ url: ["is blocked: …"] }`. */
  readonly fields?: Readonly<Record<string, readonly string[]>>;
  /** How long the remote asked to be left alone (`Retry-After`), in seconds. */
  readonly retryAfterSeconds?: number;
  /** Of `too-many-requests`: which limit was reached. */
  readonly rateLimit?: ReachedLimit;
}

/** A limit on requests that somebody has reached. */
export interface ReachedLimit {
  /** GitLab's name of it. */
  readonly name: string;
  /** As many are let through in each period. */
  readonly requests: number;
  readonly periodSeconds: number;
  /** As many came in this one, those that were refused among them. */
  readonly observed: number;
  readonly resetsAt: Date;
}

/**
 * The one error class. `message` is for operators and users and says what to do; it never holds a secret:
 * whoever makes one from outside text redacts that text first.
 */
export class HeliostatError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly fields: Readonly<Record<string, readonly string[]>> | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly rateLimit: ReachedLimit | undefined;

  constructor(code: ErrorCode, message: string, options: HeliostatErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HeliostatError";
    this.code = code;
    this.kind = ERROR_CODES[code];
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.rateLimit = options.rateLimit;
  }
}

/**
 * `model-invalid` for one attribute, in GitLab's form: the message is its name and the complaint (`url is missing`), or
 * the complaint alone where it is about no attribute (`base`).
 */
export function invalidField(field: string, complaint: string): HeliostatError {
  const message = field === "base" ? complaint : `${field} ${complaint}`;
  return new HeliostatError("model-invalid", message, { fields: { [field]: [complaint] } });
}

/** Any thrown value as an error of ours; what is unknown becomes a `bug` with the original as cause. */
export function asHeliostatError(value: unknown): HeliostatError {
  if (value instanceof HeliostatError) return value;
  const message = value instanceof Error ? value.message : String(value);
  return new HeliostatError("bug", message, { cause: value });
}

/** A value that the types say cannot exist: the branch that makes a `switch` exhaustive. */
export function assertNever(value: never): never {
  throw new HeliostatError("bug", `unexpected value: ${JSON.stringify(value)}`);
}
