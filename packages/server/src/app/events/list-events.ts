import { may } from "../../domain/policy.ts";
import { findProjectFor } from "../access.ts";
import type { Ports } from "../ports.ts";
import type { UseCases } from "../use-cases.ts";

/** The activity feed. It knows pushes only, and in GitLab's words these have the action `pushed` and no target. */
export function eventUseCases(ports: Pick<Ports, "events" | "projects">): Pick<UseCases, "listEvents"> {
  return {
    async listEvents(principal, which, { action, targetType, ...filter }, page) {
      const project = await findProjectFor(ports, principal, which, "read-project");
      // A push names branches and commits: it is for who may see them.
      if (!may(principal, "read-code", project)) return { items: [], total: 0 };
      if ((action ?? "pushed") !== "pushed" || targetType !== undefined) return { items: [], total: 0 };
      return await ports.events.list(project.id, filter, page);
    },
  };
}
