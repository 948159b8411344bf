import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { Principal, User } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { refreshPrincipal } from "../accounts/refresh-principal.ts";
import type { Ports } from "../ports.ts";
import type { PathOrId, UseCases } from "../use-cases.ts";
import { followUpdates, readProgress } from "./follow-updates.ts";
import { createStreamPlaces } from "./stream-places.ts";

type UpdateUseCases = Pick<UseCases, "listUpdates" | "findUpdate" | "readProgress" | "watchProgress">;

/** What the updates of a mirror did, and how far the one is that runs. */
export function updateUseCases(
  ports: Pick<
    Ports,
    | "clock"
    | "mirrors"
    | "progress"
    | "projects"
    | "members"
    | "sessions"
    | "settings"
    | "sshKeys"
    | "tokens"
    | "users"
  >,
): UpdateUseCases {
  const places = createStreamPlaces();

  async function find(principal: Principal, which: PathOrId, mirrorId: number): Promise<Mirror> {
    const project = await findProjectFor(ports, principal, which, "read-mirrors");
    const mirror = await ports.mirrors.find(mirrorId);
    if (mirror?.projectId !== project.id) throw new HeliostatError("not-found", "Not found");
    return mirror;
  }

  async function usersOf(updates: readonly { userId: number | null }[]): Promise<ReadonlyMap<number, User>> {
    const ids = new Set(updates.flatMap(({ userId }) => userId ?? []));
    const users = await Promise.all([...ids].map((id) => ports.users.find(id)));
    return new Map(users.flatMap((user) => (user ? [[user.id, user] as const] : [])));
  }

  return {
    async listUpdates(principal, which, mirrorId, page) {
      const mirror = await find(principal, which, mirrorId);
      const { items, total } = await ports.mirrors.listUpdates(mirror.id, page);
      const users = await usersOf(items);
      return {
        items: items.map((update) => ({ update, user: users.get(update.userId ?? 0) ?? null })),
        total,
      };
    },
    async findUpdate(principal, which, mirrorId, updateId) {
      const mirror = await find(principal, which, mirrorId);
      const update = await ports.mirrors.findUpdate(mirror.id, updateId);
      if (!update) throw new HeliostatError("not-found", "Not found");
      return { update, user: update.userId === null ? null : await ports.users.find(update.userId) };
    },
    async readProgress(principal, which, mirrorId) {
      return await readProgress(ports, await find(principal, which, mirrorId));
    },
    async watchProgress(principal, which, mirrorId, { after, signal }) {
      const mirror = await find(principal, which, mirrorId);
      places.take(requireSignedIn(principal).user.id, signal);
      return followUpdates(ports, mirror.id, after, signal, async () => {
        await find(await refreshPrincipal(ports, principal), which, mirrorId);
      });
    },
  };
}
