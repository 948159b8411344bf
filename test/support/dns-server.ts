import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIPv4, type Socket } from "node:net";

/** What a name is answered with. */
export interface DnsAnswer {
  /** IPv4 addresses answer questions for A, IPv6 ones those for AAAA. */
  readonly addresses?: readonly string[];
  /** Another name: what that one is answered with follows. */
  readonly cname?: string;
  readonly status?: keyof typeof STATUSES;
  /** Says nothing at all. */
  readonly isSilent?: boolean;
  readonly delayMs?: number;
}

export interface DnsQuery {
  readonly name: string;
  readonly type: "A" | "AAAA";
  readonly transport: "udp" | "tcp";
}

export interface DnsServer {
  readonly address: string;
  readonly port: number;
  /** Every question so far for an address, the oldest first. */
  readonly queries: readonly DnsQuery[];
  /** How often a name was asked for, by whatever type was asked most. */
  timesAsked(name: string): number;
  /**
   * From now on the first question for this name gets the first answer, the next one the next, and the last stays; each
   * type of question is counted for itself. `*` is for all names that have no answer of their own, which otherwise do
   * not exist.
   */
  answer(name: string, ...script: readonly DnsAnswer[]): void;
  close(): Promise<void>;
}

const STATUSES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;
const MAX_UDP_BYTES = 512;
const MAX_CNAMES = 8;
const HEADER_BYTES = 12;
const ANSWER_FLAGS = 0x8180;
const TRUNCATED = 0x0200;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  /** As it was sent, to be repeated in the answer. */
  readonly bytes: Buffer;
}

/**
 * A real DNS server, over UDP and, for answers that are too long for that, TCP. It knows what the test tells it, and
 * nothing may be remembered of what it says.
 */
export async function startDnsServer(at: { address?: string; port?: number } = {}): Promise<DnsServer> {
  const { address = "127.0.0.1" } = at;
  const scripts = new Map<
    string,
    { readonly script: readonly DnsAnswer[]; readonly asked: Map<number, number> }
  >();
  const queries: DnsQuery[] = [];
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();

  function nextAnswer(name: string, type: number): DnsAnswer {
    const known = scripts.get(name) ?? scripts.get("*");
    if (known === undefined) return { status: "NXDOMAIN" };
    const { script, asked } = known;
    const count = asked.get(type) ?? 0;
    asked.set(type, count + 1);
    return script[Math.min(count, script.length - 1)] ?? {};
  }

  function reply(message: Buffer, transport: "udp" | "tcp", send: (answer: Buffer) => void): void {
    const question = readQuestion(message);
    if (question === null) return;
    const { name, type } = question;
    if (type === TYPES.A || type === TYPES.AAAA)
      queries.push({ name, type: type === TYPES.A ? "A" : "AAAA", transport });
    const records: Buffer[] = [];
    let answer = nextAnswer(name, type);
    let delayMs = answer.delayMs ?? 0;
    for (let owner = name; answer.cname !== undefined && records.length < MAX_CNAMES; ) {
      records.push(makeRecord(owner, TYPES.CNAME, encodeName(answer.cname)));
      owner = answer.cname;
      answer = nextAnswer(owner, type);
      delayMs += answer.delayMs ?? 0;
      for (const record of addressRecords(owner, type, answer)) records.push(record);
    }
    if (answer.isSilent === true) return;
    if (records.length === 0) records.push(...addressRecords(name, type, answer));
    const bytes = encodeAnswer(question, STATUSES[answer.status ?? "NOERROR"], records, transport);
    if (delayMs === 0) {
      send(bytes);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      send(bytes);
    }, delayMs);
    timers.add(timer);
  }

  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        reply(received.subarray(2, end), "tcp", (answer) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          socket.write(Buffer.concat([length, answer]));
        });
        received = received.subarray(end);
      }
    });
  });
  tcp.listen(at.port ?? 0, address);
  await once(tcp, "listening");
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => {
    reply(message, "udp", (answer) => udp.send(answer, from.port, from.address));
  });
  udp.bind(port, address);
  await once(udp, "listening");

  return {
    address,
    port,
    queries,
    timesAsked(name) {
      const ofType = (type: string) => queries.filter((query) => query.name === name && query.type === type);
      return Math.max(ofType("A").length, ofType("AAAA").length);
    },
    answer: (name, ...script) => void scripts.set(name, { script, asked: new Map() }),
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise((resolve) => tcp.close(resolve)),
        new Promise<void>((resolve) => udp.close(resolve)),
      ]);
    },
  };
}

/** The one question of a message, its name in lower case; null when it has another form. */
function readQuestion(message: Buffer): Question | null {
  if (message.length < HEADER_BYTES || message.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at]; length !== undefined && length > 0; length = message[at]) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (end > message.length) return null;
  return {
    id: message.readUInt16BE(0),
    name: labels.join(".").toLowerCase(),
    type: message.readUInt16BE(at + 1),
    bytes: message.subarray(HEADER_BYTES, end),
  };
}

function encodeAnswer(
  { id, bytes }: Question,
  status: number,
  records: readonly Buffer[],
  transport: "udp" | "tcp",
): Buffer {
  const encode = (flags: number, contained: readonly Buffer[]) => {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(id, 0);
    header.writeUInt16BE(flags | status, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(contained.length, 6);
    return Buffer.concat([header, bytes, ...contained]);
  };
  const whole = encode(ANSWER_FLAGS, records);
  return transport === "udp" && whole.length > MAX_UDP_BYTES ? encode(ANSWER_FLAGS | TRUNCATED, []) : whole;
}

function addressRecords(owner: string, type: number, { addresses = [] }: DnsAnswer): readonly Buffer[] {
  return addresses
    .filter((address) => type === (isIPv4(address) ? TYPES.A : TYPES.AAAA))
    .map((address) => makeRecord(owner, type, encodeAddress(address)));
}

function makeRecord(owner: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(owner), fixed, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])),
    Buffer.from([0]),
  ]);
}

function encodeAddress(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // The URL parser knows every way to write it, and answers without dots.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail ?? "")];
  const all = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
