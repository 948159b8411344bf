import { HeliostatError } from "../../domain/errors.ts";
import { incomingLimits } from "../../domain/incoming-limits.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { viewerOf } from "../access.ts";
import { recordPush } from "../events/record-moves.ts";
import type { GitService } from "../git-exchange.ts";
import { notePushWishes } from "../mirrors/request-update.ts";
import type { Ports, PushedRef } from "../ports.ts";
import type { OpenRepository, UseCases } from "../use-cases.ts";
import { admissionTo } from "./admission.ts";
import type { ClientQueue } from "./client-queue.ts";
import { serveInTurn } from "./serve-in-turn.ts";

export function repositoryUseCases(ports: Ports, clients: ClientQueue): Pick<UseCases, "openRepository"> {
  return {
    async openRepository(principal, fullPath, service) {
      const project = await ports.projects.findByFullPath(fullPath);
      if (!project || !may(principal, "read-repository", project)) {
        // Nobody learns whether it exists; git asks for credentials only after a challenge.
        if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in to use it.");
        if (project && may(principal, "read-project", project)) {
          throw new HeliostatError("forbidden", "You are not allowed to download code from this project.");
        }
        throw new HeliostatError("not-found", "The project you were looking for could not be found.");
      }
      if (service === "receive-pack") refusePush(principal, project);
      return serveInTurn(clients, principal, open(ports, principal, project, service));
    },
  };
}

function refusePush(principal: Principal, project: Project): void {
  if (may(principal, "write-repository", project)) return;
  if (principal.kind === "anonymous") throw new HeliostatError("unauthenticated", "Sign in to push.");
  throw new HeliostatError(
    "forbidden",
    project.archived
      ? "This project is archived and read-only: unarchive it to push."
      : "You are not allowed to push code to this project.",
  );
}

function open(ports: Ports, principal: Principal, project: Project, service: GitService): OpenRepository {
  const path = ports.repositories.pathOf(project.id);
  return {
    advertise: (exchange) => ports.repositories.advertise(path, service, exchange),
    converse: (program, input, output, exchange) =>
      ports.repositories.converse(path, program, exchange, input, output),
    async serve(input, output, exchange) {
      if (service === "upload-pack") {
        await ports.repositories.servePack(path, service, exchange, input, output);
        return;
      }
      await ports.projects.beginRefsWrite(project.id);
      let pushed: readonly PushedRef[] = [];
      try {
        const limits = incomingLimits(project.limits, await ports.settings.read());
        const admission = await admissionTo(ports, path, limits);
        pushed = await ports.repositories.servePack(path, service, { ...exchange, admission }, input, output);
        if (pushed.length > 0)
          ports.log.info({ projectId: project.id, refs: pushed.length }, "push received");
      } finally {
        // Even a push that broke off may have changed refs: git tells its hook, not us, in which order it died. The wish
        // comes before the end: whoever is killed between the two has written refs that the next start looks after.
        const userId = viewerOf(principal)?.id;
        const wished = notePushWishes(ports, project.id, "push", userId);
        await wished.catch(() => undefined);
        await ports.projects.endRefsWrite(project.id);
        const tellQueue = await wished;
        await tellQueue();
        ports.housekeeping.noteWrite(project.id);
      }
      // Last: whoever carries the push on must not wait for what is told of it.
      recordPush(ports, { projectId: project.id, authorId: viewerOf(principal)?.id ?? null, moves: pushed });
    },
  };
}
