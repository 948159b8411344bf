import type { z } from "zod";

/** An endpoint that answers one thing, or nothing. */
export interface Endpoint<P extends z.ZodType, A extends z.ZodType | null> {
  readonly params: ParametersOf<P>;
  readonly answer: A extends z.ZodType ? z.output<A> : null;
}
/** One that answers a list, in pages or whole. */
export interface ListEndpoint<P extends z.ZodType, T extends z.ZodType> {
  readonly params: ParametersOf<P>;
  readonly answer: readonly z.output<T>[];
  readonly item: z.output<T>;
}
/** One whose answer is no JSON: a file, or a stream of events. */
export interface FileEndpoint<P extends z.ZodType> {
  readonly params: ParametersOf<P>;
  readonly answer: never;
}

/** What the server reads parameters as, in the words that may be sent: a time as its text too. */
type ParametersOf<P extends z.ZodType> = string extends keyof z.output<P>
  ? Record<never, never>
  : OptionalPage<{
      readonly [K in keyof z.output<P>]: z.output<P>[K] extends infer V
        ? V extends Date
          ? Date | string
          : V
        : never;
    }>;
/** The server always has a page, and nobody needs to name one. */
type OptionalPage<P> = Omit<P, "page" | "per_page"> & { readonly page?: number; readonly per_page?: number };
