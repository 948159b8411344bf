import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { asHeliostatError } from "../domain/errors.ts";

/** A file that is made while it is sent. */
export interface Download {
  readonly contentType: string;
  /** Of letters, digits, dots and dashes. */
  readonly fileName: string;
  readonly content: AsyncIterable<string>;
}

/**
 * Sends the file at the pace of whoever reads it. An error on the way breaks the connection off, so that nobody takes
 * half a file for the whole; `onFault` hears of it, unless the client went away.
 */
export async function sendDownload(
  request: FastifyRequest,
  reply: FastifyReply,
  { contentType, fileName, content }: Download,
  onFault: (error: unknown) => void,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    "content-type": contentType,
    "content-disposition": `attachment; filename="${fileName}"`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  if (request.method === "HEAD") {
    raw.end();
    return;
  }
  try {
    await pipeline(Readable.from(content), raw);
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
    if (!isGone) onFault(asHeliostatError(error));
    raw.destroy();
  }
}
