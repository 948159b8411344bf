import type { Readable } from "node:stream";
import type { z } from "zod";
import type { Page } from "../app/ports.ts";
import type { NextPart } from "./pagination.ts";
import type { Download } from "./send-download.ts";
import type { ServerSentEvent } from "./send-events.ts";

type Headers = Readonly<Record<string, string>>;

export interface BodyAnswer<B = unknown, S extends number = number> {
  readonly kind: "body";
  readonly status: S;
  readonly body: B;
}
export interface ListAnswer<T = unknown> {
  readonly kind: "list";
  readonly items: readonly T[];
  readonly page: Page;
  readonly total: number;
}
export interface UncountedAnswer<T = unknown> {
  readonly kind: "uncounted";
  readonly items: readonly T[];
  readonly next: NextPart;
}
export interface PartAnswer<B = unknown> {
  readonly kind: "part";
  readonly body: B;
  readonly page: Page;
  readonly total: number;
}
export interface RawAnswer {
  readonly kind: "raw";
  readonly headers: Headers;
  readonly body: Buffer | Readable;
}
export interface UnchangedAnswer {
  readonly kind: "unchanged";
  readonly headers: Headers;
}
export interface EventsAnswer {
  readonly kind: "events";
  readonly events: AsyncIterable<ServerSentEvent>;
}
export interface DownloadAnswer {
  readonly kind: "download";
  readonly download: Download;
}
export interface NothingAnswer {
  readonly kind: "nothing";
}
export interface TaggedAnswer<A = ApiAnswer> {
  readonly kind: "tagged";
  readonly answer: A;
  readonly headers: Headers;
}
/** To `HEAD`, where it has no use for what `GET` answers. */
export interface HeadAnswer {
  readonly kind: "head";
  readonly answer: RawAnswer | NothingAnswer;
}

/** What a route's handler gives. */
export type ApiAnswer =
  | BodyAnswer
  | ListAnswer
  | UncountedAnswer
  | PartAnswer
  | RawAnswer
  | UnchangedAnswer
  | EventsAnswer
  | DownloadAnswer
  | NothingAnswer
  | { readonly kind: "tagged"; readonly answer: ApiAnswer; readonly headers: Headers }
  | HeadAnswer;

/** A list of such things: in pages, or whole where there are never many. */
export interface DeclaredList<S extends z.ZodType = z.ZodType, P extends boolean = boolean> {
  readonly kind: "list";
  readonly item: S;
  readonly isPaged: P;
}
/** One thing, under a status that is not the usual one of the method. */
export interface DeclaredStatus<S extends z.ZodType = z.ZodType, N extends number = number> {
  readonly kind: "status";
  readonly status: N;
  readonly schema: S;
}
/** One of several, by what came of it. */
export interface DeclaredChoice<D extends DeclaredStatus = DeclaredStatus> {
  readonly kind: "choice";
  readonly answers: readonly D[];
}
/** Bytes of one of these media types. */
export interface DeclaredFile {
  readonly kind: "file";
  readonly mediaTypes: readonly string[];
}
/** Server-sent events by their names; with a schema, that is the answer to whoever does not ask for events. */
export interface DeclaredEvents<S extends z.ZodType | null = z.ZodType | null> {
  readonly kind: "events";
  readonly events: Readonly<Record<string, z.ZodType>>;
  readonly otherwise: S;
}

/**
 * What a route says of its answer. A schema alone: one thing, with 201 to a POST and 200 to all else. Null: nothing,
 * with 204.
 */
export type DeclaredAnswer =
  | z.ZodType
  | DeclaredList
  | DeclaredStatus
  | DeclaredChoice
  | DeclaredFile
  | DeclaredEvents
  | null;

/** Pages of a list. */
export function listOf<S extends z.ZodType>(item: S): DeclaredList<S, true> {
  return { kind: "list", item, isPaged: true };
}

/** A list that always comes whole. */
export function wholeListOf<S extends z.ZodType>(item: S): DeclaredList<S, false> {
  return { kind: "list", item, isPaged: false };
}

/** One thing under this status. */
export function withStatus<const N extends 200 | 202, S extends z.ZodType>(
  status: N,
  schema: S,
): DeclaredStatus<S, N> {
  return { kind: "status", status, schema };
}

/** One of these, which differ in their status. */
export function oneOf<const D extends readonly DeclaredStatus[]>(...answers: D): DeclaredChoice<D[number]> {
  return { kind: "choice", answers };
}

/** A file: bytes as they are. */
export function fileOf(...mediaTypes: readonly string[]): DeclaredFile {
  return { kind: "file", mediaTypes };
}

/** Server-sent events, each with the schema of its data; `otherwise`: to a client that does not ask for events. */
export function eventsOf<S extends z.ZodType | null>(
  events: Readonly<Record<string, z.ZodType>>,
  otherwise: S,
): DeclaredEvents<S> {
  return { kind: "events", events, otherwise };
}

type PlainAnswer<A extends DeclaredAnswer, M extends string> = A extends null
  ? NothingAnswer
  : A extends DeclaredList<infer S, infer P>
    ? P extends true
      ? ListAnswer<z.output<S>> | UncountedAnswer<z.output<S>>
      : BodyAnswer<readonly z.output<S>[], 200>
    : A extends DeclaredStatus<infer S, infer N>
      ? BodyAnswer<z.output<S>, N>
      : A extends DeclaredChoice<infer D>
        ? StatusAnswer<D>
        : A extends DeclaredFile
          ? RawAnswer | DownloadAnswer | UnchangedAnswer
          : A extends DeclaredEvents<infer S>
            ? EventsAnswer | (S extends z.ZodType ? BodyAnswer<z.output<S>, 200> : never)
            : A extends z.ZodType
              ? BodyAnswer<z.output<A>, M extends "POST" ? 201 : 200> | PartAnswer<z.output<A>>
              : never;

type StatusAnswer<D> = D extends DeclaredStatus<infer S, infer N> ? BodyAnswer<z.output<S>, N> : never;

/** What the handler of a route has to give that declares this answer for this method. */
export type AnswerFor<A extends DeclaredAnswer, M extends string> =
  | PlainAnswer<A, M>
  | TaggedAnswer<PlainAnswer<A, M>>
  | HeadAnswer;
