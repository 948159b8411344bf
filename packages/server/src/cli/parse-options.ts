import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { HeliostatError } from "../domain/errors.ts";
import { nearest } from "./connection/nearest.ts";

/** GitLab's words for its numbers. */
const ROLES = { guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 } as const;

export const ROLE_WORDS = Object.keys(ROLES).join(", ");

/** The number of a role by its word or number. `parameter-invalid`, with the option's name first, for anything else. */
export function parseRole(option: string, text: string): number {
  const named = Object.entries(ROLES).find(
    ([word, level]) => word === text.toLowerCase() || String(level) === text,
  );
  if (named === undefined) throw unfit(`${option} is one of ${ROLE_WORDS}${meant(text, Object.keys(ROLES))}`);
  return named[1];
}

/** The word of a role's number; the number where there is none. */
export function describeRole(level: number): string {
  return Object.entries(ROLES).find(([, number]) => number === level)?.[0] ?? String(level);
}

/** One of the words. `parameter-invalid`, with the option's name first, for anything else. */
export function parseWord<const T extends string>(option: string, text: string, words: readonly T[]): T {
  const word = words.find((each) => each === text);
  if (word === undefined) throw unfit(`${option} is one of ${words.join(", ")}${meant(text, words)}`);
  return word;
}

function meant(text: string, words: readonly string[]): string {
  const [close] = nearest(text, words);
  return close === undefined ? "" : `. Did you mean ${close}?`;
}

/** A whole number from 0. `parameter-invalid`, with the option's name first, for anything else. */
export function parseCount(option: string, text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw unfit(`${option} is a number, such as 20`);
  return Number(text);
}

/** The text of a file, or of standard input for `-`. `parameter-invalid` names the option when it cannot be read. */
export async function readTextFile(option: string, path: string): Promise<string> {
  if (path === "-") return await readAll(process.stdin);
  return await readFile(path, "utf8").catch((error: unknown) => {
    throw unfit(`${option} ${path} cannot be read: ${String(error)}`);
  });
}

/** An object without the entries that are undefined: what was not given is not sent. */
export function given(parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** A query of these parameters with its question mark; empty where none is given. */
export function queryOf(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const entries = Object.entries(given(parameters)).map(([name, value]) => [name, String(value)]);
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries).toString()}`;
}

/** Refuses a change that changes nothing. */
export function requireSome(parameters: Readonly<Record<string, unknown>>): void {
  if (Object.keys(parameters).length > 0) return;
  throw unfit("Nothing is to be changed: name at least one option (--help lists them).");
}

function unfit(message: string): HeliostatError {
  return new HeliostatError("parameter-invalid", message);
}
