import type { ExportFormat } from "@heliostat/contract/api/audit-events.ts";
import type { AuditEvent } from "../../../domain/audit-event.ts";
import type { Download } from "../../send-download.ts";
import { presentAuditEvent } from "./present.ts";

const COLUMNS = [
  "id",
  "created_at",
  "author_id",
  "author_name",
  "authenticated_by",
  "ip_address",
  "door",
  "event_name",
  "entity_type",
  "entity_id",
  "entity_path",
  "target_type",
  "target_id",
  "target_details",
  "details",
] as const;

/** What spreadsheets take for the beginning of a formula. */
const FORMULA = /^[\s\0]*[=+\-@]|^[\t\r\n]/;

/** Texts of this length go out at once: a line each would be a system call each. */
const CHUNK_LENGTH = 64 * 1024;

/** The events as a file in this format, a line each. */
export function writeExport(events: AsyncIterable<AuditEvent>, format: ExportFormat): Download {
  switch (format) {
    case "csv":
      return {
        contentType: "text/csv; charset=utf-8; header=present",
        fileName: "audit-events.csv",
        content: inChunks(COLUMNS.join(","), "\r\n", map(events, csvLine)),
      };
    case "ndjson":
      return {
        contentType: "application/x-ndjson",
        fileName: "audit-events.ndjson",
        content: inChunks(
          null,
          "\n",
          map(events, (event) => JSON.stringify(presentAuditEvent(event))),
        ),
      };
  }
}

function csvLine(event: AuditEvent): string {
  const answer = { ...presentAuditEvent(event), details: event.details };
  return COLUMNS.map((column) => csvField(answer[column])).join(",");
}

/**
 * One value, in quotes where it needs them. A text that a spreadsheet would compute gets an apostrophe in front, which
 * spreadsheets do not show: names come from people who may mean harm to the one who opens the file.
 */
function csvField(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function* map<A, B>(items: AsyncIterable<A>, change: (item: A) => B): AsyncGenerator<B> {
  for await (const item of items) yield change(item);
}

async function* inChunks(
  header: string | null,
  lineEnd: string,
  lines: AsyncIterable<string>,
): AsyncGenerator<string> {
  let chunk = header === null ? "" : header + lineEnd;
  for await (const line of lines) {
    chunk += line + lineEnd;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}
