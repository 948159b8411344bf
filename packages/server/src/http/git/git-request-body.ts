import type { IncomingMessage } from "node:http";
import { PassThrough, type Readable, Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import { HeliostatError } from "../../domain/errors.ts";
import { watchInputPace } from "../../git-pace.ts";
import { requestError } from "../request-error.ts";

/**
 * The body of a git request, decompressed, as a stream of its own: whoever destroys it does not tear down the
 * connection that the answer still needs. It fails with a request error when it is not what it says (400), of an
 * unknown encoding (415), longer than `maxBytes` (413), or so slow that, while it is waited for, less than 64 KiB of it
 * come in `paceMs` (408); with `cancelled` when the client goes away midway.
 * `onBroken` hears of these failures, and not of a consumer that destroys the stream because it has read enough.
 */
export function openGitRequestBody(
  request: IncomingMessage,
  { maxBytes, paceMs }: { readonly maxBytes: number | null; readonly paceMs: number },
  onBroken: (error: Error) => void,
): Readable {
  const encoding = (request.headers["content-encoding"] ?? "identity").toLowerCase();
  const fail = (error: Error): void => {
    if (body.destroyed) return;
    onBroken(error);
    body.destroy(error);
  };
  const body = maxBytes === null ? new PassThrough() : createLimit(maxBytes, fail);
  // The body may fail before anybody listens; its consumer still learns of it from the destroyed stream.
  body.on("error", () => {});
  const stopWatching = watchInputPace({
    paceMs,
    received: () => request.socket.bytesRead,
    isOurs: () => request.complete || body.readableLength >= body.readableHighWaterMark,
    onSlow: () => fail(requestError(408, "The request comes too slowly.")),
  });
  body.on("close", () => {
    stopWatching();
    // What is left of the request is read and dropped, or the client would never come to read the answer.
    request.unpipe();
    request.resume();
  });
  const onGone = (): void => {
    if (!request.complete) fail(new HeliostatError("cancelled", "The client went away."));
  };
  request.on("error", onGone).on("close", onGone);
  if (encoding === "identity") {
    request.pipe(body);
  } else if (encoding === "gzip" || encoding === "x-gzip") {
    const gunzip = createGunzip();
    gunzip.on("error", () => fail(requestError(400, "The request body is not valid gzip")));
    body.on("close", () => gunzip.destroy());
    request.pipe(gunzip).pipe(body);
  } else {
    fail(requestError(415, "The request body has an encoding that is not supported"));
  }
  return body;
}

function createLimit(maxBytes: number, fail: (error: Error) => void): Transform {
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      length += chunk.length;
      if (length > maxBytes) fail(requestError(413, `The request is larger than ${maxBytes} bytes`));
      else callback(null, chunk);
    },
  });
}
