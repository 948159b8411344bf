import type { AuditEntity, AuditEvent } from "../../domain/audit-event.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Principal } from "../../domain/user.ts";
import { findGroupFor, findProjectFor, requireAdmin } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { AuditedPlace, AuditUseCases } from "./audit-use-cases.ts";

type AuditPorts = Pick<Ports, "audit" | "namespaces" | "projects">;

/** How the audit log is read. It is written by `recordAudit`. */
export function auditUseCases(ports: AuditPorts): AuditUseCases {
  async function entityOf(
    principal: Principal,
    place: AuditedPlace,
  ): Promise<Pick<AuditEntity, "type"> & { readonly id: number }> {
    if (place.kind === "group") {
      const group = await findGroupFor(ports, principal, place.which, "admin-namespace");
      return { type: "Group", id: group.id };
    }
    const project = await findProjectFor(ports, principal, place.which, "own-project");
    return { type: "Project", id: project.id };
  }

  return {
    async listAuditEvents(principal, filter, page) {
      requireAdmin(principal);
      return await ports.audit.list(filter, page);
    },
    async findAuditEvent(principal, id) {
      requireAdmin(principal);
      return found(await ports.audit.find(id));
    },
    async exportAuditEvents(principal, filter) {
      requireAdmin(principal);
      return ports.audit.readAll(filter);
    },
    async listAuditEventsOf(principal, place, filter, page) {
      const { type, id } = await entityOf(principal, place);
      return await ports.audit.list({ ...filter, entityType: type, entityId: id }, page);
    },
    async findAuditEventOf(principal, place, eventId) {
      const { type, id } = await entityOf(principal, place);
      const event = await ports.audit.find(eventId);
      const isOfIt = event !== null && event.entity.type === type && event.entity.id === id;
      return found(isOfIt ? event : null);
    },
  };
}

function found(event: AuditEvent | null): AuditEvent {
  if (event) return event;
  throw new HeliostatError("not-found", "Not found");
}
