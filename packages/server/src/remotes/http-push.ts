import { Readable } from "node:stream";
import type { OpenPack, Pack, TransferOptions } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { nullOid, objectFormatOf } from "../domain/oid.ts";
import {
  acceptedVerdict,
  type PushVerdict,
  refusedVerdict,
  rejectedVerdict,
  staleVerdict,
} from "../domain/push-verdict.ts";
import type { RefChange } from "../domain/refs.ts";
import { type Rejection, rejectionFor } from "../domain/rejection.ts";
import { type ByteMeter, createByteMeter } from "./byte-meter.ts";
import type { BodyReader, HttpConnections } from "./http-connections.ts";
import type { RemoteLimits } from "./limits.ts";
import { encodePktLine, FLUSH_PKT } from "./pkt-line.ts";
import { createReceivePackReader, type ReceivePack } from "./receive-pack-advertisement.ts";
import { createReportReader, decodeBytes, type PushReport } from "./receive-pack-report.ts";
import { closedError, quoteLines, quoteRemote, refusalError, statusError } from "./remote-errors.ts";
import {
  type Conversation,
  mediaType,
  readPktLines,
  requestFor,
  withListingLimit,
  wrongTypeError,
} from "./smart-http.ts";
import { type ProgressWatch, withProgressLimit } from "./time-limit.ts";

const SERVICE = "git-receive-pack";
/** A push up to this size goes with its length, a larger one in chunks, which not every proxy takes. Git's limit. */
const MAX_HELD = 1024 * 1024;
/** How long what a remote said before one push is taken for the next ones. The remote checks every old value itself. */
const LISTING_MS = 60_000;

/** Pushes group by group over one remote; each call is one push. */
export type PushSession = (
  conversation: Conversation,
  changes: readonly RefChange[],
) => Promise<readonly PushVerdict[]>;

const NO_DELETIONS: Rejection = {
  reason: "other",
  fix: "Allow deletions at the remote, or set `mirror_deletions` to `never`.",
};

/**
 * Pushes over smart HTTP as `git send-pack` does: asks what the remote has, holds every lease against it, and sends the
 * commands, each with the old value, so that the remote checks it once more as it writes, and then the pack.
 *
 * Where git is strict, so is this: a remote that does not report what became of the push is refused before anything is
 * sent. Deviation: a ref to be deleted that is gone already counts as done, as one does that is already where it was
 * to go. And a remote is asked once for what it has, not before each push of a session: measured, that is half of what
 * a small push takes.
 */
export function createHttpPush({
  connections,
  uploads,
  limits,
  userAgent,
}: {
  connections: HttpConnections;
  /** For pushes of any length: they must not keep the checks of the same host waiting. */
  uploads: HttpConnections;
  limits: RemoteLimits;
  userAgent: string;
}): (openPack: OpenPack, onProgress?: TransferOptions["onProgress"]) => PushSession {
  function readAdvertisement(conversation: Conversation): Promise<ReceivePack> {
    const headers = { "user-agent": userAgent, accept: "*/*", pragma: "no-cache" };
    return connections.exchange(
      requestFor(conversation, `info/refs?service=${SERVICE}`, { method: "GET", headers }),
      (head) => {
        if (head.status !== 200) throw statusError(head, conversation.remote, conversation.endpoint.host);
        const type = mediaType(head.header("content-type"));
        if (type !== `application/x-${SERVICE}-advertisement`) throw wrongTypeError(conversation, type);
        return readPktLines(conversation, createReceivePackReader(limits.refs));
      },
      conversation.signal,
    );
  }

  async function send(
    conversation: Conversation,
    theirs: ReceivePack,
    commands: readonly RefChange[],
    { openPack, meter, watch }: { openPack: OpenPack; meter: ByteMeter; watch: ProgressWatch },
  ): Promise<PushReport> {
    const { signal } = conversation;
    const over = new AbortController();
    const wants = new Set(commands.flatMap((change) => change.new ?? []));
    const pack =
      wants.size === 0
        ? null
        : await watch.exempt(
            openPack(
              {
                wants: [...wants],
                haves: [...theirs.haves],
                isThin: !theirs.capabilities.has("no-thin"),
                hasOffsetDeltas: theirs.capabilities.has("ofs-delta"),
              },
              AbortSignal.any([signal, over.signal]),
            ),
          );
    try {
      const body = await makeBody(encodeCommands(commands, theirs, userAgent), pack, { meter, watch });
      const headers = {
        "user-agent": userAgent,
        "content-type": `application/x-${SERVICE}-request`,
        accept: `application/x-${SERVICE}-result`,
      };
      return await (Buffer.isBuffer(body) ? connections : uploads).exchange(
        requestFor(conversation, SERVICE, { method: "POST", headers, body, isWrite: true }),
        (head) => {
          if (head.status !== 200) throw statusError(head, conversation.remote, conversation.endpoint.host);
          const type = mediaType(head.header("content-type"));
          if (type !== `application/x-${SERVICE}-result`) throw wrongTypeError(conversation, type);
          return readReport(conversation, theirs, limits.refs, watch);
        },
        signal,
      );
    } finally {
      // Before the stream is destroyed: git is to be stopped, not to find its output closed.
      over.abort();
      pack?.stream.destroy();
      await pack?.done.catch(() => {});
    }
  }

  async function pushOnce(
    conversation: Conversation,
    theirs: ReceivePack,
    changes: readonly RefChange[],
    { openPack, meter }: { openPack: OpenPack; meter: ByteMeter },
  ): Promise<readonly PushVerdict[]> {
    checkRemote(theirs, changes);
    const settled = changes.map((change) => judgeBefore(change, theirs));
    const commands = changes.filter((_change, index) => settled[index] === null);
    if (commands.length === 0) return settled.filter((verdict) => verdict !== null);
    const report = await withProgressLimit(
      {
        ms: conversation.stallMs ?? limits.pushIdleMs,
        signal: conversation.signal,
        what: "pushing",
      },
      (signal, watch) => send({ ...conversation, signal }, theirs, commands, { openPack, meter, watch }),
    );
    meter.tell();
    const quote = (text: string): string => quoteRemote(text, conversation.remote);
    const lines = quoteLines(report.lines, conversation.remote);
    return changes.map((change, index) => settled[index] ?? judgeAfter(change, report, lines, quote));
  }

  return (openPack, onProgress) => {
    const meter = createByteMeter(onProgress);
    let listing: Promise<ReceivePack> | null = null;
    let listedAt = 0;
    const ask = (conversation: Conversation): Promise<ReceivePack> => {
      if (listing === null || performance.now() - listedAt > LISTING_MS) {
        listing = withListingLimit(conversation, limits, readAdvertisement);
        listedAt = performance.now();
      }
      return listing;
    };
    return async (conversation, changes) => {
      const theirs = await ask(conversation);
      const verdicts = await pushOnce(conversation, theirs, changes, { openPack, meter });
      for (const [index, change] of changes.entries()) {
        if (verdicts[index]?.result.outcome !== "rejected") keepInStep(theirs, change);
      }
      return verdicts;
    };
  };
}

/** What the remote has, once it has accepted the change. */
function keepInStep({ refs, haves }: ReceivePack, { ref, new: oid }: RefChange): void {
  if (oid === null) {
    refs.delete(bytesOf(ref));
  } else {
    refs.set(bytesOf(ref), oid);
    haves.add(oid);
  }
}

/** Refuses what cannot lead to a push whose outcome we would know. */
function checkRemote({ capabilities, objectFormat }: ReceivePack, changes: readonly RefChange[]): void {
  const oid = changes.flatMap((change) => change.new ?? change.old ?? [])[0];
  if (oid !== undefined && objectFormatOf(oid) !== objectFormat) {
    throw new HeliostatError(
      "object-format-mismatch",
      `The remote's objects are ${objectFormat}, this repository's are ${objectFormatOf(oid)}. Mirror into a repository of the same format.`,
    );
  }
  if (!capabilities.has("report-status") && !capabilities.has("report-status-v2")) {
    throw new HeliostatError("remote-not-git", "The remote does not report what becomes of a push.");
  }
}

/** What is clear without asking: null when it is to be sent. */
function judgeBefore(change: RefChange, { refs, capabilities }: ReceivePack): PushVerdict | null {
  const there = refs.get(bytesOf(change.ref)) ?? null;
  if (there === change.new) return acceptedVerdict(change);
  if (there !== change.old) return staleVerdict(change);
  if (change.new === null && !capabilities.has("delete-refs")) {
    return rejectedVerdict(change, "The remote does not allow refs to be deleted.", NO_DELETIONS);
  }
  return null;
}

function judgeAfter(
  change: RefChange,
  { refs, unpack }: PushReport,
  lines: readonly string[],
  quote: (text: string) => string,
): PushVerdict {
  const report = refs.get(bytesOf(change.ref));
  const isUnpacked = unpack === "ok";
  if (report === undefined || !report.isOk) {
    const reason =
      report === undefined
        ? "it failed to report status"
        : quote(decodeBytes(report.reason)) || "no reason given";
    const tail = isUnpacked ? "" : ` (unpack: ${quote(decodeBytes(unpack))})`;
    return refusedVerdict(change, `${reason}${tail}`, lines);
  }
  const { otherRef, otherOid } = report;
  if (otherRef !== null && otherRef !== bytesOf(change.ref)) {
    return rejectedVerdict(
      change,
      `The remote put it elsewhere: ${quote(decodeBytes(otherRef))}.`,
      rejectionFor("other"),
    );
  }
  if (
    otherOid !== null &&
    otherOid !== (change.new ?? nullOid(change.old?.length === 64 ? "sha256" : "sha1"))
  ) {
    return rejectedVerdict(
      change,
      `The remote made something else of it: ${quote(otherOid)}.`,
      rejectionFor("other"),
    );
  }
  return acceptedVerdict(change);
}

function encodeCommands(
  commands: readonly RefChange[],
  { capabilities, objectFormat }: ReceivePack,
  userAgent: string,
): Buffer {
  const has = (name: string): boolean => capabilities.has(name);
  const chosen = [
    has("report-status-v2") ? "report-status-v2" : "report-status",
    ...["side-band-64k", "quiet"].filter(has),
    ...(has(`object-format=${objectFormat}`) ? [`object-format=${objectFormat}`] : []),
    ...([...capabilities].some((word) => word.startsWith("agent="))
      ? [`agent=${userAgent.replace(/[^!-~]/g, "-")}`]
      : []),
  ];
  const none = nullOid(objectFormat);
  const lines = commands.map(({ ref, old, new: next }, index) =>
    encodePktLine(
      `${old ?? none} ${next ?? none} ${bytesOf(ref)}${index === 0 ? `\0 ${chosen.join(" ")}` : ""}`,
    ),
  );
  return Buffer.from(lines.join("") + FLUSH_PKT, "latin1");
}

/**
 * The commands and the pack: as a whole when it is small, else as it comes. Nothing is sent before the pack begins to
 * come, since servers wait for a request's body for a short time only. A pack that is not whole makes the iteration
 * throw, which breaks the request off: the remote must not take it for whole.
 */
async function makeBody(
  commands: Buffer,
  pack: Pack | null,
  { meter, watch }: { meter: ByteMeter; watch: ProgressWatch },
): Promise<Buffer | Readable> {
  const held = [commands];
  const whole = (body: Buffer): Buffer => {
    meter.add(body.length);
    return body;
  };
  if (pack === null) return whole(commands);
  const { stream, done } = pack;
  const pieces: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  const next = async (): Promise<Buffer | null> => {
    const piece = await pieces.next().catch(() => null);
    if (piece !== null && piece.done !== true) return piece.value;
    await done;
    // It ended well, and yet its output could not be read to the end.
    if (piece === null) throw new HeliostatError("git-failed", "git pack-objects closed its output early.");
    return null;
  };

  let size = commands.length;
  while (size <= MAX_HELD) {
    const piece = await watch.exempt(next());
    if (piece === null) return whole(Buffer.concat(held));
    held.push(piece);
    size += piece.length;
  }
  async function* pour(): AsyncGenerator<Buffer> {
    yield whole(Buffer.concat(held.splice(0)));
    for (;;) {
      // Asked for more: what went before is on its way.
      watch.moved();
      const piece = await watch.exempt(next());
      if (piece === null) return;
      yield whole(piece);
    }
  }
  return Readable.from(pour(), { highWaterMark: 1 });
}

function readReport(
  { remote, endpoint }: Conversation,
  { capabilities }: ReceivePack,
  maxRefs: number,
  watch: ProgressWatch,
): BodyReader<PushReport> {
  const reader = createReportReader({
    hasSideBand: capabilities.has("side-band-64k"),
    maxRefs,
    refuse: (text) => refusalError(decodeBytes(text), remote, endpoint.host),
  });
  return {
    push(chunk) {
      watch.moved();
      reader.push(chunk);
    },
    end() {
      const report = reader.end();
      if (report === null) throw closedError(endpoint.host);
      return report;
    },
  };
}

/** A ref's name as it goes over the line, a character for each byte. */
function bytesOf(ref: string): string {
  return Buffer.from(ref).toString("latin1");
}
