import type { Socket } from "node:net";
import type { Connection, ServerChannel, Session } from "ssh2";
import type { SshCaller } from "../app/ssh-keys/ssh-key-use-cases.ts";
import { asHeliostatError, HeliostatError } from "../domain/errors.ts";
import type { Origin } from "../domain/user.ts";
import { openChannelStreams } from "./channel-streams.ts";
import { parseSshCommand } from "./parse-command.ts";
import { serveCommand } from "./serve-command.ts";
import { signIn } from "./sign-in.ts";
import type { SshDoor } from "./ssh-door.ts";
import { tellKeySignatures } from "./tame-ssh2.ts";

/** One client, for whoever counts and closes them. */
export interface SshClient {
  /** Nothing more is taken from it; what is under way goes on. It ends with the last of it. */
  drain(): void;
}

interface Connected {
  readonly client: Connection;
  readonly socket: Socket;
  readonly from: Origin;
}

/** Smaller ones would cost us a packet's work for next to nothing, and nothing at all would never come to an end. */
const MIN_PACKET = 1024;
/** What the library lets a client send before we have read it are two windows of 2 MiB, and some of the next packets. */
const MAX_UNREAD = 5 * 1024 * 1024;

const REFUSED = 1;
const FAILED = 128;

/** Serves a client from its first words on. `onSignedIn` is called once it has shown who it is. */
export function serveConnection(door: SshDoor, connected: Connected, onSignedIn: () => void): SshClient {
  const { client, socket, from } = connected;
  const { log, limits } = door;
  const channels = new Set<ServerChannel>();
  let fingerprint: string | null = null;
  let running = 0;
  let isDraining = false;
  let isClosed = false;
  let unused: NodeJS.Timeout | undefined;

  // One for each session, beside our own and the library's.
  client.setMaxListeners(limits.sessions + 10);
  // Broken words, a connection that breaks off: the socket's end follows, and says enough.
  client.on("error", (error) => {
    log.debug({ err: error, address: from.address }, "an SSH client failed");
    // Who gives no sign of life takes no farewell either: the library's would be waited for, and git with it.
    if ("level" in error && error.level === "client-timeout") socket.destroy();
  });
  // Each session listens for the end.
  client.setMaxListeners(limits.sessions + 10);
  client.on("close", () => {
    isClosed = true;
    clearTimeout(unused);
  });
  tellKeySignatures(client);
  signIn(door, client, from, (key) => {
    fingerprint = key;
    onSignedIn();
    noteUse(0);
  });
  // A client that does not keep to the window that it was given would fill our memory.
  socket.on("data", () => {
    for (const { readableLength } of channels) if (readableLength > MAX_UNREAD) socket.destroy();
  });

  client.on("session", (accept, reject) => {
    if (fingerprint === null || isDraining || running >= limits.sessions) return reject();
    noteUse(1);
    const session = accept();
    let isOver = false;
    const end = (): void => {
      if (!isOver) noteUse(-1);
      isOver = true;
    };
    serveSession(door, { ...connected, session, channels, fingerprint }, end);
  });

  function noteUse(change: number): void {
    running += change;
    clearTimeout(unused);
    if (running > 0 || isClosed) return;
    if (isDraining) client.end();
    else unused = setTimeout(() => client.end(), limits.unusedMs);
  }

  return {
    drain() {
      isDraining = true;
      noteUse(0);
    },
  };
}

interface OpenSession extends Connected {
  readonly session: Session;
  /** All with something to read; this one's is put there while it runs. */
  readonly channels: Set<ServerChannel>;
  readonly fingerprint: string;
}

/** One session: at most one command, and nothing else that SSH knows. */
function serveSession(door: SshDoor, open: OpenSession, onEnd: () => void): void {
  const { session, client } = open;
  let protocol: string | null = null;
  let hasSaidAll = false;
  let isTaken = false;
  const gone = new AbortController();
  const onGone = (): void => {
    gone.abort(new HeliostatError("cancelled", "The client went away."));
    client.off("close", onGone);
    if (!isTaken) onEnd();
  };
  session.on("eof", () => {
    hasSaidAll = true;
  });
  session.on("close", onGone);
  client.once("close", onGone);

  session.on("env", (accept, reject, { key, val }: { key: string; val: string }) => {
    if (key !== "GIT_PROTOCOL" || !/^[A-Za-z0-9=:._-]{1,200}$/.test(val)) return reject?.();
    protocol = val;
    accept?.();
  });
  const run = (channel: ServerChannel, command: string | null): void => {
    isTaken = true;
    open.channels.add(channel);
    const state = { channel, protocol, gone: gone.signal, hasSaidAll: () => hasSaidAll };
    runCommand(door, open, state, command)
      .catch((error: unknown) => door.log.error({ err: error }, "an SSH command was not answered"))
      .finally(() => {
        open.channels.delete(channel);
        client.off("close", onGone);
        onEnd();
      });
  };
  session.once("exec", (accept, _reject, { command }: { command: string }) => run(accept(), command));
  session.once("shell", (accept) => run(accept(), null));
}

interface Command {
  readonly channel: ServerChannel;
  readonly protocol: string | null;
  readonly gone: AbortSignal;
  readonly hasSaidAll: () => boolean;
}

async function runCommand(
  door: SshDoor,
  { client, socket, from, fingerprint }: OpenSession,
  { channel, protocol, gone, hasSaidAll }: Command,
  command: string | null,
): Promise<void> {
  if (packetSizeOf(channel) < MIN_PACKET) {
    socket.destroy();
    return;
  }
  const cancelled = new AbortController();
  let slow: string | null = null;
  const streams = openChannelStreams({ channel, client, socket }, hasSaidAll, {
    answerMs: door.limits.gitFetchPaceMs,
    questionMs: door.limits.gitPushPaceMs,
    onSlowAnswer() {
      // It is not told: that would have to wait behind what it does not take.
      slow = "the client takes the answer too slowly";
      socket.destroy();
    },
    onSlowQuestion: () => cancelled.abort(new HeliostatError("cancelled", "You send too slowly. Try again.")),
  });
  const startedAt = performance.now();
  let caller: SshCaller | null = null;
  let refusal: string | null = null;
  let exitCode = 0;
  const parsed = command === null ? null : parseSshCommand(command);
  const isPush = parsed?.kind === "git" && parsed.program === "receive-pack";
  // A push that came in whole is carried out: its refs and what follows from them are to be one thing.
  const onGone = (): void => (isPush && hasSaidAll() ? streams.forgetClient() : streams.destroy());
  gone.addEventListener("abort", () => {
    onGone();
    if (!(isPush && hasSaidAll())) cancelled.abort(gone.reason);
  });
  try {
    // Anew for each command: the key may have been removed since, or its user blocked.
    caller = await door.useCases.authenticateSshKey(fingerprint, from);
    if (caller === null) throw new HeliostatError("forbidden", "This key lets nobody in any more.");
    if (parsed === null) {
      channel.write(`Welcome to Heliostat, ${caller.name}! There is no shell here, only git.\n`);
    } else if (parsed.kind === "refused") {
      throw new HeliostatError("forbidden", parsed.message);
    } else {
      const { program, fullPath } = parsed;
      const exchange = { protocol, signal: cancelled.signal };
      await serveCommand(door.useCases, caller.principal, { program, fullPath, exchange, ...streams });
    }
  } catch (error) {
    // What git complains of then only follows from it.
    const known = asHeliostatError(cancelled.signal.aborted ? cancelled.signal.reason : error);
    if (!gone.aborted && isFault(known)) door.log.error({ err: error }, "an SSH command failed");
    refusal = gone.aborted ? (slow ?? "the client went away") : wordsOf(known);
    exitCode = known.kind === "denied" || known.kind === "not-found" ? REFUSED : FAILED;
  }
  door.log.info(
    {
      address: from.address,
      user: caller?.name ?? null,
      command: parsed?.kind === "git" ? `${parsed.program} ${parsed.fullPath}` : (parsed?.kind ?? "shell"),
      ...(refusal === null ? {} : { refusal }),
      durationMs: Math.round(performance.now() - startedAt),
    },
    "SSH command",
  );
  if (gone.aborted) return;
  if (refusal !== null) channel.stderr.write(`ERROR: ${refusal}\n`);
  channel.exit(exitCode);
  channel.end();
  // What it still sends is nobody's.
  channel.resume();
}

/** What the client is told: of a bug or a broken repository nothing but that there was one. */
function wordsOf(error: HeliostatError): string {
  switch (error.kind) {
    case "bug":
    case "corrupt":
      return "Internal error. The log of the server has more.";
    case "not-found":
      // Nobody learns whether it exists.
      return "The project you were looking for could not be found or you don't have permission to view it.";
    default:
      return error.message;
  }
}

function isFault({ kind }: HeliostatError): boolean {
  return kind === "bug" || kind === "corrupt" || kind === "full";
}

function packetSizeOf(channel: ServerChannel): number {
  const { outgoing } = channel as { readonly outgoing?: unknown };
  const size =
    typeof outgoing === "object" && outgoing !== null && "packetSize" in outgoing ? outgoing.packetSize : 0;
  return typeof size === "number" ? size : 0;
}
