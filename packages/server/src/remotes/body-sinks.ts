import { createGunzip } from "node:zlib";
import { HeliostatError } from "../domain/errors.ts";

/** Takes a body piece by piece. Both may throw. */
export interface BodySink {
  push(chunk: Buffer): void;
  end(): void;
}

/** Passes on at most `maxBytes`; then `remote-too-large`. */
export function limitBody(sink: BodySink, maxBytes: number): BodySink {
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw new HeliostatError(
          "remote-too-large",
          `The remote's answer is larger than ${maxBytes} bytes, which is the most that is read.`,
        );
      }
      sink.push(chunk);
    },
    end: () => sink.end(),
  };
}

/** What a decompressor, which works behind the scenes, needs of the connection. */
interface Flow {
  pause(): void;
  resume(): void;
  /** Ends the request with this error. */
  fail(error: unknown): void;
  /** Called when the request is over, however it ends. */
  onOver(release: () => void): void;
}

/** Decompresses gzip into `sink` at the pace of the connection: a bomb goes off in `sink`'s limit, not in memory. */
export function gunzipBody(sink: BodySink, flow: Flow): BodySink {
  const gunzip = createGunzip();
  const attempt = (step: () => void) => {
    try {
      step();
    } catch (error) {
      flow.fail(error);
    }
  };
  gunzip.on("data", (chunk: Buffer) => attempt(() => sink.push(chunk)));
  gunzip.on("end", () => attempt(() => sink.end()));
  gunzip.on("drain", () => flow.resume());
  gunzip.on("error", (error: NodeJS.ErrnoException) => {
    flow.fail(
      error.code === "Z_BUF_ERROR"
        ? new HeliostatError("remote-closed", "The remote's compressed answer ends in the middle.")
        : new HeliostatError("remote-not-git", "The remote's answer is marked as gzip and is not."),
    );
  });
  flow.onOver(() => gunzip.destroy());
  return {
    push(chunk) {
      if (!gunzip.write(chunk)) flow.pause();
    },
    end() {
      gunzip.end();
    },
  };
}
