/** A request that HTTP itself forbids: too long, of a wrong type, too slow. Fastify's own errors have this form too. */
export interface RequestError extends Error {
  readonly statusCode: number;
}

/** An error that `on-error.ts` answers with this 4xx status and this message. */
export function requestError(statusCode: number, message: string): RequestError {
  return Object.assign(new Error(message), { statusCode });
}

/** Whether this is such an error, ours or one of Fastify's. */
export function isRequestError(error: unknown): error is RequestError {
  return (
    error instanceof Error &&
    "statusCode" in error &&
    typeof error.statusCode === "number" &&
    error.statusCode >= 400 &&
    error.statusCode < 500
  );
}
