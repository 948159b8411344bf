import type { Project } from "../../domain/project.ts";
import type { RefName } from "../../domain/ref-name.ts";
import { recordPush } from "../events/record-moves.ts";
import type { Ports } from "../ports.ts";
import { beginWrite } from "../repositories/write-refs.ts";
import type { SignedIn } from "../use-cases.ts";

/** Gives a new project its first commit, with all that follows from a push: the rule for its default branch, events. */
export async function commitReadme(
  ports: Ports,
  principal: SignedIn,
  project: Project,
  branch: RefName,
): Promise<void> {
  const { user } = principal;
  const endWrite = await beginWrite(ports, principal, project);
  try {
    const oid = await ports.repositories.commitFirstFile(ports.repositories.pathOf(project.id), {
      branch,
      file: "README.md",
      content: `# ${project.name}\n${project.description ? `\n${project.description}\n` : ""}`,
      message: "Initial commit",
      author: { name: user.name, email: user.email },
      at: ports.clock.now(),
    });
    const moves = [{ ref: branch, old: null, new: oid }];
    recordPush(ports, { projectId: project.id, authorId: user.id, moves });
  } finally {
    await endWrite();
  }
}
