import { Readable } from "node:stream";
import type { AuditUseCases } from "../../../app/audit/audit-use-cases.ts";
import { findNothing } from "./memory.ts";

/** Nothing has happened. */
export function auditInMemory(): AuditUseCases {
  return {
    listAuditEvents: async () => ({ items: [], total: 0 }),
    findAuditEvent: findNothing,
    exportAuditEvents: async () => Readable.from([]),
    listAuditEventsOf: async () => ({ items: [], total: 0 }),
    findAuditEventOf: findNothing,
  };
}
