import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { createPacedOutput } from "../../git-pace.ts";

export interface GitAnswerOptions {
  readonly contentType: string;
  /** Goes out right in front of git's first byte. */
  readonly prefix?: Buffer;
  /** Once aborted, nothing more goes out. */
  readonly signal: AbortSignal;
  /** How long the client may take until there is room for more of the answer. */
  readonly paceMs: number;
  /** Called once, when the client takes longer; the connection is cut. */
  readonly onSlow: () => void;
  /** Called once, when the answer starts and an error can no longer become a status. */
  readonly onStart: () => void;
}

/** Headers of every good answer to git: refs are true at the moment at which they are asked for, and no longer. */
export function gitHeaders(contentType: string): Record<string, string> {
  return {
    "content-type": contentType,
    "cache-control": "no-cache, max-age=0, must-revalidate",
    expires: "Fri, 01 Jan 1980 00:00:00 GMT",
    pragma: "no-cache",
  };
}

/**
 * The answer to a git request as a stream that git's output is written to. Status and headers go out with the first
 * byte, so that an error before it can still be told as one. The end of the stream does not end the response: the
 * caller does, who knows whether git meant to stop there, and whether what follows from a push is safely noted. When
 * the client is gone, what is written is dropped, not refused: a push that came in whole is finished whether or not
 * anybody listens.
 */
export function createGitAnswer(response: ServerResponse, options: GitAnswerOptions): Writable {
  const { signal } = options;
  let hasStarted = false;
  const start = (): void => {
    if (hasStarted) return;
    hasStarted = true;
    options.onStart();
    response.writeHead(200, gitHeaders(options.contentType));
    if (options.prefix !== undefined) response.write(options.prefix);
  };
  let resume: (() => void) | null = null;
  const proceed = (): void => {
    const done = resume;
    resume = null;
    done?.();
  };
  response.on("drain", proceed).on("close", proceed);
  return createPacedOutput({
    paceMs: options.paceMs,
    send(piece, done) {
      if (signal.aborted) return done(asError(signal.reason));
      if (response.closed) return done();
      start();
      if (response.write(piece)) return done();
      resume = done;
    },
    onSlow: () => {
      options.onSlow();
      response.destroy();
    },
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
