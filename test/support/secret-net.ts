import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readOpensshKeyFile } from "../../packages/server/src/domain/openssh-key-file.ts";

/** Where something that was planted turned up. */
export interface Catch {
  readonly name: string;
  readonly where: string;
  readonly context: string;
}

/** Knows what was planted, in every form in which it may turn up, and looks for it. */
export interface SecretNet {
  /** A password or token; `username`: with whom it goes into the header of Basic authentication. */
  plant(name: string, secret: string, username?: string): void;
  /** A private key in PEM form: its lines, all of them as one, and the numbers that it is made of. */
  plantKey(name: string, pem: string): void;
  search(where: string, content: Buffer | string): readonly Catch[];
  /** Searches every file below the directory, and its name, except for these. */
  searchFiles(directory: string, except: readonly string[]): Promise<readonly Catch[]>;
}

/** Lines that are shorter stand in many files: padding. */
const MIN_LINE = 20;

/** A net that knows no secret yet: those that are planted are looked for in every form they may take. */
export function createSecretNet(): SecretNet {
  const planted: { readonly name: string; readonly forms: readonly Buffer[] }[] = [];
  const add = (name: string, forms: readonly (string | Buffer)[]): void => {
    const distinct = [...new Set(forms.map((form) => Buffer.from(form).toString("latin1")))];
    planted.push({ name, forms: distinct.map((form) => Buffer.from(form, "latin1")) });
  };

  function search(where: string, content: Buffer | string): readonly Catch[] {
    const bytes = Buffer.from(content);
    return planted.flatMap(({ name, forms }) => {
      const form = forms.find((each) => bytes.includes(each));
      if (form === undefined) return [];
      const at = bytes.indexOf(form);
      return [
        { name, where, context: bytes.subarray(Math.max(0, at - 120), at + form.length + 40).toString() },
      ];
    });
  }

  return {
    plant: (name, secret, username = "") => add(name, formsOf(secret, username)),
    plantKey: (name, pem) => add(name, formsOfKey(pem)),
    search,
    async searchFiles(directory, except) {
      const found: Catch[] = [];
      for (const file of await filesBelow(directory)) {
        // It may be gone again.
        if (except.includes(file)) continue;
        const content = await readFile(file).catch(() => Buffer.alloc(0));
        found.push(...search(file, Buffer.concat([Buffer.from(`${file}\n`), content])));
      }
      return found;
    },
  };
}

/** As somebody may tell it: as it is, escaped in several ways, in hexadecimal, in base64 alone and behind anything. */
export function waysToTell(secret: string, username: string): readonly string[] {
  const behind = ["", "x", "xy", `${username}:`, `\0${username}\0`].map((text) => Buffer.from(text + secret));
  return [
    ...escaped(secret),
    ...behind.flatMap((bytes) => [
      bytes.toString("base64"),
      bytes.toString("base64url"),
      bytes.toString("hex"),
    ]),
  ];
}

function formsOf(secret: string, username: string): readonly string[] {
  const basic = Buffer.from(`${username}:${secret}`).toString("base64").replace(/=+$/, "");
  return [...escaped(secret), basic, ...formsOfBytes(Buffer.from(secret))];
}

function escaped(secret: string): readonly string[] {
  const percent = encodeURIComponent(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    percent.replaceAll(/%[\dA-F]{2}/g, (code) => code.toLowerCase()),
    encodeURI(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    new URL(`http://u:${percent}@h/`).password,
    secret.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
  ];
}

/** Of its lines those that hold some of its secret numbers: all others say no more than the public key. */
export function secretLinesOf(pem: string): readonly string[] {
  const lines = pem.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("-----"));
  const bytes = Buffer.from(lines.join(""), "base64");
  const numbers = numbersOf(pem).map((number) => {
    const from = bytes.indexOf(number);
    if (from < 0) throw new Error("a number of the key is not in its text");
    return { from, to: from + number.length };
  });
  let at = 0;
  return lines.filter((line) => {
    const start = at;
    at += (line.length * 3) / 4;
    // At least some bytes of it, not only a bit.
    return line.length >= MIN_LINE && numbers.some(({ from, to }) => from < at - 8 && to > start + 8);
  });
}

function formsOfKey(pem: string): readonly string[] {
  const lines = secretLinesOf(pem);
  return [lines.join(""), ...lines, ...numbersOf(pem).flatMap(formsOfBytes)];
}

function formsOfBytes(bytes: Buffer): readonly string[] {
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].map((offset) =>
    // Without what the neighbours share: the first and last four characters depend on them.
    Buffer.concat([Buffer.alloc(offset, 120), bytes])
      .toString("base64")
      .slice(4, -4),
  );
  return [
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
}

/** What makes the key a secret: `d` of every type of key, and the primes of RSA. */
function numbersOf(pem: string): readonly Buffer[] {
  if (pem.includes("BEGIN OPENSSH")) return numbersOfOpenssh(pem);
  const { d, p, q } = createPrivateKey(pem).export({ format: "jwk" });
  return [d, p, q].flatMap((number) => (number === undefined ? [] : [Buffer.from(number, "base64url")]));
}

function numbersOfOpenssh(pem: string): readonly Buffer[] {
  const file = readOpensshKeyFile(Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ""), "base64"));
  if (file.kind !== "key") throw new Error(`a key that cannot be read: ${file.kind}`);
  const [, second = Buffer.alloc(0), d = Buffer.alloc(0), , ...primes] = file.fields;
  // What is a number has a zero in front where its first bit is set.
  if (file.algorithm === "ssh-rsa") return [d, ...primes].map((each) => each.subarray(each[0] === 0 ? 1 : 0));
  return file.algorithm === "ssh-ed25519" ? [second.subarray(0, 32)] : [d];
}

/** The paths of all files in the directory and below it. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Looks at all processes every few milliseconds. */
export interface ProcessWatch {
  /** What was seen so far: of which process what, and the bytes. */
  seen(): ReadonlyMap<string, string>;
  stop(): void;
}

/**
 * Watches the command line and the environment of every process but this one. `isGiven`: the environment of processes
 * with this command line is not looked at, since an operator gave it to them.
 */
export function watchProcesses(isGiven: (commandLine: string) => boolean): ProcessWatch {
  const seen = new Map<string, string>();
  const look = (): void => {
    for (const pid of readdirSync("/proc").map(Number)) {
      if (!(pid > 0) || pid === process.pid) continue;
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, "latin1");
        // Under both names: a process may become another program.
        seen.set(`command line of ${pid} ${commandLine.slice(0, 60)}`, commandLine);
        if (isGiven(commandLine)) continue;
        seen.set(
          `environment of ${pid} ${commandLine.slice(0, 60)}`,
          readFileSync(`/proc/${pid}/environ`, "latin1"),
        );
      } catch {
        // It ended between the look and the reading.
      }
    }
  };
  const timer = setInterval(look, 5);
  return { seen: () => seen, stop: () => clearInterval(timer) };
}
