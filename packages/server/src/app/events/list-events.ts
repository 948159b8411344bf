import { may } from "../../domain/policy.ts";
import { findProjectFor, findVisibleUser, requireViewer } from "../access.ts";
import type { Paged, Ports } from "../ports.ts";
import type { EventQuery, UseCases } from "../use-cases.ts";

type EventUseCases = Pick<UseCases, "listEvents" | "listEventsAcross">;
type EventPorts = Pick<Ports, "events" | "projects" | "users" | "members" | "namespaces">;

/** The activity feed. It knows pushes only, and in GitLab's words these have the action `pushed` and no target. */
export function eventUseCases(ports: EventPorts): EventUseCases {
  return {
    async listEvents(principal, which, { action, targetType, ...filter }, page) {
      const project = await findProjectFor(ports, principal, which, "read-project");
      // A push names branches and commits: it is for who may see them.
      if (!may(principal, "read-code", project) || !asksForPushes({ action, targetType })) return NONE;
      return await ports.events.list(project.id, filter, page);
    },
    async listEventsAcross(principal, whose, { action, targetType, ...filter }, page) {
      const viewer = requireViewer(principal);
      const author =
        typeof whose !== "object"
          ? (await findVisibleUser(ports, principal, whose)).id
          : whose.of === "own"
            ? viewer.id
            : null;
      if (!asksForPushes({ action, targetType })) return NONE;
      return await ports.events.listAcross(viewer, author, filter, page);
    },
  };
}

const NONE: Paged<never> = { items: [], total: 0 };

function asksForPushes({
  action,
  targetType,
}: Pick<{ [K in keyof EventQuery]: EventQuery[K] | undefined }, "action" | "targetType">): boolean {
  return (action ?? "pushed") === "pushed" && targetType === undefined;
}
