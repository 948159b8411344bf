import { HeliostatError } from "../../domain/errors.ts";
import { may } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import type { GitService } from "../git-exchange.ts";
import type { Ports } from "../ports.ts";
import type { OpenRepository, UseCases } from "../use-cases.ts";
import type { ClientQueue } from "./client-queue.ts";
import { refusePush } from "./judge-write.ts";
import { receivePush } from "./receive-push.ts";
import { serveInTurn } from "./serve-in-turn.ts";

/** The way of Git's clients to a repository; each exchange waits for its turn in the line of clients. */
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

function open(ports: Ports, principal: Principal, project: Project, service: GitService): OpenRepository {
  const path = ports.repositories.pathOf(project.id);
  return {
    advertise: (exchange) => ports.repositories.advertise(path, service, exchange),
    converse: (program, input, output, exchange) =>
      ports.repositories.converse(path, program, exchange, input, output),
    serve: (input, output, exchange) =>
      service === "upload-pack"
        ? ports.repositories.servePack(path, exchange, input, output)
        : receivePush(ports, { principal, project }, { input, output, exchange }),
  };
}
