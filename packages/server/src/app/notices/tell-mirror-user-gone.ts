import type { Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import type { Ports } from "../ports.ts";
import { mirrorUserGoneNotice } from "./mirror-notice.ts";
import { writeMails } from "./notice.ts";
import { projectManagers } from "./project-managers.ts";

/**
 * Tells those who look after the project that its pull mirror goes on without its user. To be called once, when that
 * is noticed: nothing here remembers that it was told. Not told in Silent Mode, or without a mail server.
 */
export async function tellMirrorUserGone(
  ports: Pick<Ports, "clock" | "instance" | "mails" | "settings" | "users">,
  project: Project,
  mirror: Mirror,
): Promise<void> {
  if (ports.mails === null || (await ports.settings.read()).silentModeEnabled) return;
  const people = await projectManagers(ports, project);
  const mails = writeMails(
    ports.instance.externalUrl,
    project,
    people,
    mirrorUserGoneNotice(project, mirror),
  );
  await ports.mails.put(mails, ports.clock.now());
}
