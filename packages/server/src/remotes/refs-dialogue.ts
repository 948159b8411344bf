import { limitBody } from "./body-sinks.ts";
import type { ListedRefs } from "./collected-refs.ts";
import type { RemoteLimits } from "./limits.ts";
import { createLsRefsReader, encodeLsRefs } from "./ls-refs.ts";
import { createPktLineDecoder, FLUSH_PKT } from "./pkt-line.ts";
import { createAdvertisementReader, type PktLineReader } from "./ref-advertisement.ts";
import { closedError, refusalError } from "./remote-errors.ts";
import type { Conversation } from "./smart-http.ts";

/** What the other side of a dialogue is told, in bytes (latin1). */
interface Speaker {
  say(text: string): void;
  /** The last that is said: without it the server's log would have us hang up. */
  sayGoodbye(text: string): void;
}

/** Listing refs in a conversation with an upload-pack, over whatever carries it. */
export interface RefsDialogue {
  /** Takes what the server says. What it throws ends the listing. */
  push(chunk: Buffer): void;
  /** Throws: the server may not end it. */
  end(): void;
  /** Null until they are listed. */
  listed(): ListedRefs | null;
}

/**
 * What the remote answers decides the protocol: v2, where it heeded the wish for it, or else the list that older ones
 * begin with.
 */
export function createRefsDialogue(
  { remote, endpoint, maxRefs }: Conversation,
  { limits, userAgent }: { limits: RemoteLimits; userAgent: string },
  speaker: Speaker,
): RefsDialogue {
  const advertisement = createAdvertisementReader({ hasServiceLine: false, maxRefs });
  let lsRefs: PktLineReader<ListedRefs> | undefined;
  let listed: ListedRefs | null = null;

  /** After each flush: what comes next, if anything does. */
  function advance(): void {
    const offered = advertisement.result();
    if (lsRefs === undefined && offered?.version === 2) {
      lsRefs = createLsRefsReader(offered.capabilities, maxRefs);
      speaker.say(encodeLsRefs(offered.capabilities, userAgent));
      return;
    }
    listed = (offered === null || offered.version === 2 ? lsRefs?.result() : offered.listed) ?? null;
    if (listed !== null) speaker.sayGoodbye(FLUSH_PKT);
  }

  const decoder = createPktLineDecoder({
    line: (text) => (lsRefs ?? advertisement).line(text),
    control: (kind) => {
      (lsRefs ?? advertisement).control(kind);
      advance();
    },
    refused: (text) => {
      throw refusalError(text, remote, endpoint.host);
    },
  });
  const body = limitBody(
    {
      push: (chunk) => decoder.push(chunk),
      end: () => {
        throw closedError(endpoint.host);
      },
    },
    limits.answerBytes,
  );
  return { push: (chunk) => body.push(chunk), end: () => body.end(), listed: () => listed };
}
