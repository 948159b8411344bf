import { pipeline } from "node:stream/promises";
import {
  type AuditEventAnswer,
  auditEventSchema,
  EXPORT_FORMATS,
} from "@heliostat/contract/api/audit-events.ts";
import { publicUserSchema } from "@heliostat/contract/api/users.ts";
import { z } from "zod";
import { HeliostatError } from "../../../domain/errors.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";
import type { ApiClient } from "../../connection/api-client.ts";
import { table } from "../../terminal/table.ts";

export interface AuditFlags extends CommonFlags {
  readonly since?: string;
  readonly until?: string;
  /** Who did it, by user name. */
  readonly user?: string;
  readonly event?: string;
  readonly project?: string;
  readonly group?: string;
  readonly limit: string;
  readonly export?: string;
}

/** The most that a page of the API has. */
const PAGE = 100;
const MOST = 10_000;
const withId = z.object({ id: z.int() });

/** `heliostat admin audit`: the newest events, or with `--export` all of them as a file on standard output. */
export async function printAudit(flags: AuditFlags): Promise<number> {
  const limit = Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST)
    throw misused(`--limit is a number from 1 to ${MOST}`);
  if (flags.project !== undefined && flags.group !== undefined) {
    throw misused("--project and --group exclude each other");
  }
  if (flags.export !== undefined && !EXPORT_FORMATS.some((format) => format === flags.export)) {
    throw misused(`--export is one of ${EXPORT_FORMATS.join(", ")}`);
  }
  if (flags.export !== undefined && flags.json) throw misused("--export and --json exclude each other");
  const api = await connect(flags);
  const filter = await readFilter(api, flags);
  if (flags.export !== undefined) {
    filter.set("format", flags.export);
    await pipeline(api.download(`/audit_events/export?${filter}`), process.stdout, { end: false });
    return 0;
  }
  const events = await listNewest(api, filter, limit);
  console.log(flags.json ? JSON.stringify(events, null, 2) : describe(events));
  return 0;
}

async function readFilter(api: ApiClient, flags: AuditFlags): Promise<URLSearchParams> {
  const filter = new URLSearchParams();
  if (flags.since !== undefined) filter.set("created_after", flags.since);
  if (flags.until !== undefined) filter.set("created_before", flags.until);
  if (flags.event !== undefined) filter.set("event_name", flags.event);
  if (flags.user !== undefined) {
    const found = await api.call("GET", `/users?username=${encodeURIComponent(flags.user)}`);
    const [user] = publicUserSchema.array().parse(found);
    if (user === undefined) throw new HeliostatError("not-found", `There is no user ${flags.user}.`);
    filter.set("author_id", String(user.id));
  }
  for (const [type, path] of [
    ["Project", flags.project],
    ["Group", flags.group],
  ] as const) {
    if (path === undefined) continue;
    const found = await api.call("GET", `/${type.toLowerCase()}s/${encodeURIComponent(path)}`);
    filter.set("entity_type", type);
    filter.set("entity_id", String(withId.parse(found).id));
  }
  return filter;
}

async function listNewest(
  api: ApiClient,
  filter: URLSearchParams,
  limit: number,
): Promise<readonly AuditEventAnswer[]> {
  const events: AuditEventAnswer[] = [];
  for (let page = 1; events.length < limit; page += 1) {
    filter.set("per_page", String(PAGE));
    filter.set("page", String(page));
    const part = auditEventSchema.array().parse(await api.call("GET", `/audit_events?${filter}`));
    // One that was recorded meanwhile moves the last of this page onto the next one.
    const last = events.at(-1)?.id ?? Number.POSITIVE_INFINITY;
    events.push(...part.filter(({ id }) => id < last));
    if (part.length < PAGE) break;
  }
  return events.slice(0, limit);
}

function describe(events: readonly AuditEventAnswer[]): string {
  if (events.length === 0) return "There are no such events.";
  const rows = events.map((event) => [
    event.created_at,
    event.author_name,
    event.ip_address ?? event.door ?? "-",
    event.event_name,
    event.entity_path ?? event.entity_type,
    event.target_details ?? "",
  ]);
  return table([["WHEN", "WHO", "FROM", "WHAT", "WHERE", "TARGET"], ...rows]);
}

function misused(message: string): HeliostatError {
  return new HeliostatError("parameter-invalid", message);
}
