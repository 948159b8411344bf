import type { UseCases } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { MirrorUpdate } from "../../../domain/mirror.ts";
import { parseOid } from "../../../domain/oid.ts";
import { parseRefName } from "../../../domain/ref-name.ts";
import { type Memory, paged } from "./memory.ts";
import { EPOCH, ROOT } from "./people.ts";

const updates: MirrorUpdate[] = [
  {
    id: 9,
    mirrorId: 0,
    trigger: "push",
    status: "failed",
    startedAt: EPOCH,
    finishedAt: EPOCH,
    error: "1 ref was rejected",
    results: [
      {
        ref: parseRefName("refs/heads/main"),
        outcome: "rejected",
        old: null,
        new: parseOid("a".repeat(40)),
        message: "hook declined",
      },
    ],
    notes: ["no branch matches"],
    userId: ROOT.id,
    counts: { rejected: 1 },
    upToDate: [],
    skipped: [],
    bytesReceived: 0,
    bytesSent: 10,
    log: [],
  },
];

/** One failed update, which every mirror has. */
export function updatesInMemory({ findMirror }: Memory) {
  return {
    cancelUpdate: async (principal, which, id) => {
      findMirror(principal, which, id);
    },
    listUpdates: async (principal, which, id, page) => {
      findMirror(principal, which, id);
      return paged(
        updates.map((update) => ({ update: { ...update, mirrorId: id }, user: ROOT })),
        page,
      );
    },
    findUpdate: async (principal, which, id, updateId) => {
      findMirror(principal, which, id);
      const update = updates.find((each) => each.id === updateId);
      if (update === undefined) throw new HeliostatError("not-found", "Not found");
      return { update: { ...update, mirrorId: id }, user: ROOT };
    },
    readProgress: async (principal, which, id) => ({
      mirror: findMirror(principal, which, id),
      update: null,
    }),
    watchProgress: async (principal, which, id) => {
      const mirror = findMirror(principal, which, id);
      return (async function* () {
        yield { kind: "progress", progress: { mirror, update: null } };
        for (const update of updates)
          yield { kind: "end", update: { ...update, progress: null, isTakenUp: false } };
      })();
    },
  } satisfies Partial<UseCases>;
}
