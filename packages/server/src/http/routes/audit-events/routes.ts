import {
  auditEventExportParams,
  auditEventListParams,
  auditEventParams,
  auditEventSchema,
  placeAuditEventListParams,
  placeAuditEventParams,
} from "@heliostat/contract/api/audit-events.ts";
import type { AuditFilter } from "../../../app/ports.ts";
import type { AuditEntityType } from "../../../domain/audit-event.ts";
import { given } from "../../../domain/given.ts";
import { fileOf, listOf } from "../../api-answer.ts";
import { apiRoute, download, list, ok, pageFrom } from "../../api-route.ts";
import { presentAuditEvent } from "./present.ts";
import { writeExport } from "./write-export.ts";

export const auditEventRoutes = [
  apiRoute({
    method: "GET",
    path: "/audit_events",
    access: "read_api",
    summary: "List the audit events of the instance",
    params: auditEventListParams,
    answer: listOf(auditEventSchema),
    handle: async ({ useCases, principal, params }) => {
      const page = pageFrom(params);
      const { items, total } = await useCases.listAuditEvents(principal, filterFrom(params), page);
      return list(items.map(presentAuditEvent), page, total);
    },
  }),
  apiRoute({
    method: "GET",
    path: "/audit_events/export",
    access: "read_api",
    summary: "Export the audit events of the instance",
    params: auditEventExportParams,
    answer: fileOf("text/csv", "application/x-ndjson"),
    handle: async ({ useCases, principal, params }) => {
      const events = await useCases.exportAuditEvents(principal, filterFrom(params));
      return download(writeExport(events, params.format ?? "csv"));
    },
  }),
  apiRoute({
    method: "GET",
    path: "/audit_events/:audit_event_id",
    access: "read_api",
    summary: "Show an audit event of the instance",
    params: auditEventParams,
    answer: auditEventSchema,
    handle: async ({ useCases, principal, params }) =>
      ok(presentAuditEvent(await useCases.findAuditEvent(principal, params.audit_event_id))),
  }),
  ...(["project", "group"] as const).flatMap((kind) => [
    apiRoute({
      method: "GET",
      path: `/${kind}s/:id/audit_events`,
      access: "read_api",
      summary: `List the audit events of a ${kind}`,
      params: placeAuditEventListParams,
      answer: listOf(auditEventSchema),
      handle: async ({ useCases, principal, params }) => {
        const page = pageFrom(params);
        const place = { kind, which: params.id };
        const { items, total } = await useCases.listAuditEventsOf(principal, place, filterFrom(params), page);
        return list(items.map(presentAuditEvent), page, total);
      },
    }),
    apiRoute({
      method: "GET",
      path: `/${kind}s/:id/audit_events/:audit_event_id`,
      access: "read_api",
      summary: `Show an audit event of a ${kind}`,
      params: placeAuditEventParams,
      answer: auditEventSchema,
      handle: async ({ useCases, principal, params }) => {
        const place = { kind, which: params.id };
        return ok(
          presentAuditEvent(await useCases.findAuditEventOf(principal, place, params.audit_event_id)),
        );
      },
    }),
  ]),
];

function filterFrom(params: {
  readonly created_after?: Date | undefined;
  readonly created_before?: Date | undefined;
  readonly entity_type?: AuditEntityType | undefined;
  readonly entity_id?: number | undefined;
  readonly author_id?: number | undefined;
  readonly event_name?: string | undefined;
}): AuditFilter {
  return given({
    createdAfter: params.created_after,
    createdBefore: params.created_before,
    entityType: params.entity_type,
    entityId: params.entity_id,
    authorId: params.author_id,
    action: params.event_name || undefined,
  });
}
