import { HeliostatError } from "../../domain/errors.ts";
import { ACCESS_LEVELS, levelOfUser } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import type { Grantee } from "../../domain/protections.ts";
import type { Ports } from "../ports.ts";

export type GranteePorts = Pick<Ports, "members" | "namespaces" | "protectedBranches" | "users">;

/**
 * `protection-invalid`, with GitLab's sentence for each, when users, groups or deploy keys are named who have no access
 * to the project. `entries`: what the sentence calls them, such as `Push access levels`.
 */
export async function refuseStrangers(
  ports: GranteePorts,
  project: Project,
  entries: string,
  grantees: readonly Grantee[],
): Promise<void> {
  const complaints: string[] = [];
  for (const grantee of grantees) {
    const complaint = await complaintAbout(ports, project, grantee);
    if (complaint !== null) complaints.push(`${entries} ${complaint}`);
  }
  if (complaints.length === 0) return;
  const messages = [...new Set(complaints)];
  throw new HeliostatError("protection-invalid", messages.join(", "), { fields: { base: messages } });
}

async function complaintAbout(
  ports: GranteePorts,
  project: Project,
  grantee: Grantee,
): Promise<string | null> {
  switch (grantee.kind) {
    case "role":
      return null;
    case "user": {
      const user = await ports.users.find(grantee.id);
      if (!user) return "user does not exist";
      const memberships = await ports.members.membershipsOf(user.id);
      const level = levelOfUser({ user, memberships }, project);
      return level >= ACCESS_LEVELS.guest ? null : "user is not a member of the project";
    }
    case "group": {
      const group = await ports.namespaces.find(grantee.id);
      const isAbove = group?.kind === "group" && project.namespace.traversalIds.includes(group.id);
      return isAbove ? null : "group does not have access to the project";
    }
    case "deploy-key": {
      const isItsKey = await ports.protectedBranches.isDeployKeyOf(project.id, grantee.id);
      return isItsKey ? null : "deploy key is not enabled for this project";
    }
    default:
      return grantee satisfies never;
  }
}
