import { HeliostatError } from "../../domain/errors.ts";
import { type Oid, parseOid } from "../../domain/oid.ts";
import type { Exit } from "../../exec/run.ts";
import type { Git } from "../run-git.ts";

export type ObjectType = "commit" | "tree" | "blob" | "tag";

export interface ObjectInfo {
  readonly oid: Oid;
  readonly type: ObjectType;
  readonly size: number;
}

export interface ObjectContent extends ObjectInfo {
  readonly content: Buffer;
}

/** One `git cat-file --batch-command` of one repository: it answers in the order in which it is asked. */
export interface ObjectReader {
  /** By full or abbreviated oid; null when there is no such object, or more than one. */
  info(name: string): Promise<ObjectInfo | null>;
  /** The whole object: whoever asks knows that it is not large, for all that ask later wait for it. */
  content(oid: Oid): Promise<ObjectContent | null>;
  /**
   * The same of an object that hardly ever is large: of one that is, git's answer is read and dropped, and `content` is
   * null. In one exchange, where `info` and `content` are two.
   */
  contentUpTo(oid: Oid, maxBytes: number): Promise<(ObjectInfo & { content: Buffer | null }) | null>;
  /** Questions without an answer yet. */
  readonly pending: number;
  /** Since when the oldest of them waits, on the clock of `performance.now`; null: nothing waits. */
  readonly waitsSince: number | null;
  readonly hasEnded: boolean;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  /** Ends the process; what still waits is rejected. */
  stop(): void;
}

/** Anything but hexadecimal digits would be a revision, and git would go and look for one. */
const NAME = /^[0-9a-f]{4,64}$/;
const LINE_END = 0x0a;

type Answer = ObjectInfo & { readonly content: Buffer | null };

interface Question {
  /** Of the content; null: it is not asked for. */
  readonly maxBytes: number | null;
  readonly since: number;
  readonly resolve: (answer: Answer | null) => void;
  readonly reject: (error: unknown) => void;
}

const NOTHING = Buffer.alloc(0);

/** Starts the process. It ends by itself when this server is gone, for then its input ends. */
export function openObjectReader(git: Git, path: string): ObjectReader {
  const running = git.start({ gitDir: path, args: ["cat-file", "--batch-command", "--buffer"] });
  const questions: Question[] = [];
  let answered = 0;
  let commands: string[] = [];
  let hasEnded = false;
  let rest: Buffer = NOTHING;
  /** Pieces of a content that is not here in full. */
  let pieces: Buffer[] = [];
  let missing = 0;
  let open: { readonly info: ObjectInfo; readonly question: Question } | null = null;

  const ended = running.exited.then((exit) => {
    hasEnded = true;
    fail(exit);
  });

  function fail(exit: Exit): void {
    const left = [...(open === null ? [] : [open.question]), ...questions.splice(0).slice(answered)];
    open = null;
    answered = 0;
    if (left.length === 0) return;
    const error = new HeliostatError("timed-out", "Reading the repository broke off. Try it again.", {
      cause: new Error(exit.stderr),
    });
    for (const { reject } of left) reject(error);
  }

  function ask(command: string, name: string, maxBytes: number | null): Promise<Answer | null> {
    if (!NAME.test(name)) throw new HeliostatError("bug", "not an object id");
    if (hasEnded) throw new HeliostatError("bug", "asked of a reader that has ended");
    return new Promise((resolve, reject) => {
      questions.push({ maxBytes, since: performance.now(), resolve, reject });
      commands.push(`${command} ${name}\n`);
      // All that is asked in one turn goes and comes in few pieces.
      if (commands.length === 1) queueMicrotask(send);
    });
  }

  function send(): void {
    const text = `${commands.join("")}flush\n`;
    commands = [];
    if (running.stdin.writable) running.stdin.write(text);
  }

  function next(): Question | undefined {
    const question = questions[answered];
    answered += 1;
    // In one go: a queue of thousands must not be moved for each of them.
    if (answered >= 1_000 || answered === questions.length) {
      questions.splice(0, answered);
      answered = 0;
    }
    return question;
  }

  function take(chunk: Buffer): void {
    let at = 0;
    let data = chunk;
    if (rest.length > 0) {
      data = Buffer.concat([rest, chunk]);
      rest = NOTHING;
    }
    while (at < data.length) {
      if (open !== null) {
        const part = data.subarray(at, at + missing);
        const { info, question } = open;
        const isKept = question.maxBytes !== null && info.size <= question.maxBytes;
        if (isKept) pieces.push(part);
        missing -= part.length;
        at += part.length;
        if (missing > 0) return;
        if (!isKept) {
          open = null;
          question.resolve({ ...info, content: null });
          continue;
        }
        // A copy: a small object must not hold the chunk that it came in. The last byte is a line end of git's.
        const whole = Buffer.concat(pieces);
        open = null;
        pieces = [];
        question.resolve({ ...info, content: whole.subarray(0, info.size) });
        continue;
      }
      const end = data.indexOf(LINE_END, at);
      if (end === -1) {
        rest = Buffer.from(data.subarray(at));
        return;
      }
      const question = next();
      const info = parseInfo(data.toString("latin1", at, end));
      at = end + 1;
      if (question === undefined) {
        running.stop("aborted");
        return;
      }
      if (info !== null && question.maxBytes !== null) {
        open = { info, question };
        missing = info.size + 1;
      } else {
        question.resolve(info === null ? null : { ...info, content: null });
      }
    }
  }

  running.stdout.on("data", take);
  return {
    info: (name) => ask("info", name, null),
    async content(oid) {
      const found = await ask("contents", oid, Number.POSITIVE_INFINITY);
      return found === null ? null : { ...found, content: found.content ?? NOTHING };
    },
    contentUpTo: (oid, maxBytes) => ask("contents", oid, maxBytes),
    get pending() {
      return questions.length - answered + (open === null ? 0 : 1);
    },
    get waitsSince() {
      return open?.question.since ?? questions[answered]?.since ?? null;
    },
    get hasEnded() {
      return hasEnded;
    },
    ended,
    stop: () => running.stop("aborted"),
  };
}

/** `<oid> <type> <size>`, or `<name> missing` and the like. */
function parseInfo(line: string): ObjectInfo | null {
  const [, oid, type, size] = /^([0-9a-f]+) (commit|tree|blob|tag) (\d+)$/.exec(line) ?? [];
  if (oid === undefined || size === undefined) return null;
  return { oid: parseOid(oid), type: type as ObjectType, size: Number(size) };
}
