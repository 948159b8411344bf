import { z } from "zod";

/**
 * The scalars of API parameters, as lenient as GitLab's: clients send booleans and integers as strings, in JSON too
 * and all of them do it differently. What comes out is strict. A value that is empty or null where the type has
 * no such value counts as left out.
 */

const TRUE = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE = new Set(["false", "f", "no", "n", "off", "0"]);

function readBoolean(value: unknown): unknown {
  if (value === 1) return true;
  if (value === 0) return false;
  if (value === null || value === "") return undefined;
  if (typeof value !== "string") return value;
  const word = value.trim().toLowerCase();
  if (TRUE.has(word)) return true;
  return FALSE.has(word) ? false : value;
}

function readInteger(value: unknown): unknown {
  if (value === null || value === "") return undefined;
  return typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

function readText(value: unknown): unknown {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
}

function nullToUndefined(read: (value: unknown) => unknown): (value: unknown) => unknown {
  return (value) => (value === null ? undefined : read(value));
}

/** PostgreSQL has no place for NUL in a text, and none for half of a surrogate pair in JSON. */
const plainText = z.string().regex(/^[^\0\p{Surrogate}]*$/u);

/** `true`, `"True"`, `"1"`, `"yes"`, `1` and so on. */
export const flag = z.preprocess(readBoolean, z.boolean());

/** Left out, or one of the forms of `flag`. */
export const optionalFlag = z.preprocess(readBoolean, z.boolean().optional());

/** As `optionalFlag`, but an explicit null is told apart: some attributes answer it with `can't be blank`. */
export const nullableFlag = z.preprocess(
  (value) => (value === null ? null : readBoolean(value)),
  z.boolean().nullish(),
);

export const integer = z.preprocess(readInteger, z.int());
export const optionalInteger = z.preprocess(readInteger, z.int().optional());

/** A role, as GitLab numbers them: no level is far above the highest. */
export const optionalLevel = z.preprocess(readInteger, z.int().min(0).max(100).optional());

/** As `optionalInteger`, but an explicit null (or an empty text) is told apart: it takes a value away. */
export const nullableInteger = z.preprocess(
  (value) => (value === null || value === "" ? null : readInteger(value)),
  z.int().nullish(),
);

/** The id of a row; null and empty take it away. */
export const nullableRowId = z.preprocess(
  (value) => (value === null || value === "" ? null : readInteger(value)),
  z.int().min(0).max(2_147_483_647).nullish(),
);

/** The id of a row: what a 32-bit column holds. */
export const rowId = z.preprocess(readInteger, z.int().min(0).max(2_147_483_647));
export const optionalRowId = z.preprocess(readInteger, z.int().min(0).max(2_147_483_647).optional());

export const text = z.preprocess(readText, plainText);
/** As `text`; neither empty nor blank (`… is empty`). */
export const filledText = z.preprocess(
  readText,
  plainText.refine((value) => value.trim() !== "", { error: "is empty" }),
);
export const optionalText = z.preprocess(nullToUndefined(readText), plainText.optional());
/** A text that null clears. */
export const nullableText = z.preprocess(readText, plainText.nullish());

/** One of the words, or left out. */
export function optionalWord<const T extends readonly [string, ...string[]]>(words: T) {
  return z.preprocess(
    (value) => (value === null || value === "" ? undefined : value),
    z.enum(words).optional(),
  );
}

/** As `optionalWord`, but an explicit null (or an empty text) is told apart: it takes a value away. */
export function nullableWord<const T extends readonly [string, ...string[]]>(words: T) {
  return z.preprocess((value) => (value === "" ? null : value), z.enum(words).nullish());
}

/** One of the numbers, or left out. */
export function optionalNumber<const T extends readonly number[]>(numbers: T) {
  return z.preprocess(readInteger, z.literal(numbers).optional());
}

/** A JSON array, `k[]=a&k[]=b`, or one text with commas; at least one word. */
export function wordList<const T extends readonly [string, ...string[]]>(words: T) {
  return z.preprocess(
    (value) => (typeof value === "string" ? value.split(",").map((word) => word.trim()) : value),
    z.array(z.enum(words)).min(1, { error: "is empty" }),
  );
}

/** A JSON array, `k[]=a&k[]=b`, or one text with commas or line breaks; blank entries do not count. */
export const optionalTextList = z.preprocess(
  (value) => (typeof value === "string" ? value.split(/[,\r\n]+/) : (value ?? undefined)),
  z
    .array(plainText)
    .transform((entries) => entries.map((entry) => entry.trim()).filter((entry) => entry !== ""))
    .optional(),
);
/** The same, with at least one entry. */
export const textList = optionalTextList
  .transform((entries) => entries ?? [])
  .pipe(z.array(plainText).min(1, { error: "is empty" }));

/** A JSON array, `k[]=a&k[]=b`, or one text as the only entry: each as it stands. Null counts as left out. */
export const optionalStrings = z.preprocess(
  (value) => (typeof value === "string" ? [value] : (value ?? undefined)),
  z.array(plainText).optional(),
);

const date = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(?:[T ].*)?$/)
  .transform((value, context) => {
    const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
    if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== value.slice(0, 10)) {
      context.addIssue({ code: "custom", message: "is invalid" });
      return z.NEVER;
    }
    return day;
  });

/** `YYYY-MM-DD`, or the date of an RFC 3339 time; as midnight UTC. Null and empty: never. */
export const nullableDate = z.preprocess((value) => (value === "" ? null : value), date.nullish());
/** The same; null and empty: left out. */
export const optionalDate = z.preprocess(
  (value) => (value === "" || value === null ? undefined : value),
  date.optional(),
);

const moment = z.string().transform((value, context) => {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(value);
  const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/i.test(
    value,
  );
  const time = new Date(isDate ? `${value}T00:00:00Z` : value);
  // `2027-02-30` would be read as a day in March.
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value.slice(0, 10));
  if ((!isDate && !isTime) || !isDay || Number.isNaN(time.getTime())) {
    context.addIssue({ code: "custom", message: "is invalid" });
    return z.NEVER;
  }
  return time;
});

/** `YYYY-MM-DD`, which is midnight UTC, or a time by RFC 3339. Null and empty: never. */
export const nullableMoment = z.preprocess((value) => (value === "" ? null : value), moment.nullish());

/** The same; null and empty: left out. */
export const optionalMoment = z.preprocess(
  (value) => (value === "" || value === null ? undefined : value),
  moment.optional(),
);

/** A row's id, or a full path: what `:id` of projects, groups and namespaces may be. */
export const pathOrId = plainText.transform((value) => {
  const id = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  return id <= 2_147_483_647 ? id : value;
});

/** Where an answer comes by pages and nobody says how long they are. */
export const DEFAULT_PER_PAGE = 20;

/** GitLab tells no totals of longer lists: counting them would take longer than reading a page. */
export const MAX_COUNTED = 10_000;

const pageNumber = z.int().transform((page) => Math.min(Math.max(page, 1), 1_000_000_000));
const perPageNumber = z
  .int()
  .refine((perPage) => perPage !== 0, { error: "has a value not allowed" })
  .transform((perPage) => (perPage < 1 ? DEFAULT_PER_PAGE : Math.min(perPage, 100)));

/** Offset paging: what is out of range is cut, as GitLab does. */
export const pageParams = {
  page: z.preprocess(
    readInteger,
    pageNumber.optional().transform((page) => page ?? 1),
  ),
  per_page: z.preprocess(
    readInteger,
    perPageNumber.optional().transform((perPage) => perPage ?? DEFAULT_PER_PAGE),
  ),
} as const;

/** Keyset paging besides: what is read anew does not grow with the page. `cursor` comes out of a `Link`. */
export const windowParams = {
  ...pageParams,
  pagination: optionalWord(["keyset", "offset", "legacy"]),
  cursor: optionalText,
} as const;

/** The same where an answer is whole unless a page is asked for, by either of them. */
export const optionalPageParams = {
  page: z.preprocess(readInteger, pageNumber.optional()),
  per_page: z.preprocess(readInteger, perPageNumber.optional()),
} as const;

/** GitLab's second way through a list: `page_token` names the last thing of the page before. */
export const keysetParams = {
  pagination: optionalWord(["keyset", "legacy", "none"]),
  page_token: optionalText,
};

/** Of what takes none. */
export const noParams = z.object({});

/** A point in time as answers have it: RFC 3339, milliseconds, UTC. */
export const timestamp = z.iso.datetime();

/** With the zone in which it was noted: `2026-01-02T03:04:05.000+01:00`. */
export const zonedTime = z.iso.datetime({ offset: true });
