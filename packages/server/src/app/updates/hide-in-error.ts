import { HeliostatError } from "../../domain/errors.ts";

/** Longer chains of causes are a mistake, or a circle. */
const MAX_DEPTH = 8;

/**
 * The same error, but for the secrets in its texts: message, stack and those of its causes, all of which the log
 * writes. Whatever else hangs on a cause, such as the output of a program, is left behind.
 */
export function hideInError(error: HeliostatError, hideSecrets: (text: string) => string): HeliostatError {
  const { code, message, retryAfterSeconds, cause } = error;
  const hidden = new HeliostatError(code, hideSecrets(message), {
    ...(cause === undefined ? {} : { cause: hideInCause(cause, hideSecrets, MAX_DEPTH) }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
  return withStackOf(error, hidden, hideSecrets);
}

function hideInCause(cause: unknown, hideSecrets: (text: string) => string, depth: number): unknown {
  if (!(cause instanceof Error)) return hideSecrets(String(cause));
  const goesOn = cause.cause !== undefined && depth > 1;
  const options = goesOn ? { cause: hideInCause(cause.cause, hideSecrets, depth - 1) } : {};
  const hidden = new Error(hideSecrets(cause.message), options);
  hidden.name = cause.name;
  return withStackOf(cause, hidden, hideSecrets);
}

function withStackOf<E extends Error>(original: Error, hidden: E, hideSecrets: (text: string) => string): E {
  // Where it happened, not where its secrets were hidden.
  hidden.stack = hideSecrets(original.stack ?? hidden.message);
  return hidden;
}
