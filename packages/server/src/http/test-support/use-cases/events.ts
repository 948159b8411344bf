import type { UseCases } from "../../../app/use-cases.ts";
import { parseOid } from "../../../domain/oid.ts";
import type { ProjectEvent } from "../../../domain/project-event.ts";
import { type Memory, paged } from "./memory.ts";
import { EPOCH, ROOT } from "./people.ts";

const EVENT: ProjectEvent = {
  id: 7,
  projectId: 0,
  authorId: ROOT.id,
  action: "pushed",
  refType: "branch",
  ref: "main",
  refCount: null,
  commitFrom: parseOid("a".repeat(40)),
  commitTo: parseOid("b".repeat(40)),
  commitCount: 2,
  commitTitle: "a change",
  createdAt: EPOCH,
};

/** One push to each project. */
export function eventsInMemory({ findView }: Memory) {
  return {
    listEventsAcross: async (_principal, _whose, _filter, page) => paged([], page),
    listEvents: async (_principal, which, { action }, page) => {
      const { project } = findView(which);
      const event = { ...EVENT, projectId: project.id };
      return paged(action === "created" ? [] : [{ event, author: ROOT }], page);
    },
  } satisfies Partial<UseCases>;
}
