import { HeliostatError } from "../../domain/errors.ts";
import { actsAsAdmin } from "../../domain/policy.ts";
import type { UserSshKey } from "../../domain/ssh-key.ts";
import { isBot, type Principal, type User } from "../../domain/user.ts";
import { findVisibleUser, requireAdmin, requireSignedIn } from "../access.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { PathOrId } from "../use-cases.ts";
import { readDraft } from "./read-draft.ts";
import type { SshKeyUseCases } from "./ssh-key-use-cases.ts";

/** The SSH keys of users, and for admins those of everybody. */
export function userKeyUseCases(
  ports: Pick<Ports, "users" | "members" | "projects" | "namespaces" | "sshKeys" | "clock" | "audit">,
): Pick<SshKeyUseCases, "listSshKeys" | "findSshKey" | "addSshKey" | "removeSshKey" | "findAnySshKey"> {
  async function findUser(principal: Principal, which: PathOrId | null): Promise<User> {
    return which === null ? requireSignedIn(principal).user : await findVisibleUser(ports, principal, which);
  }

  async function findOwn(
    principal: Principal,
    which: PathOrId | null,
    id: number,
  ): Promise<{ user: User; key: UserSshKey }> {
    const user = await findUser(principal, which);
    const found = await ports.sshKeys.find(id);
    if (found?.kind !== "user" || found.key.userId !== user.id) {
      throw new HeliostatError("not-found", "Key Not Found");
    }
    return { user, key: found.key };
  }

  return {
    async listSshKeys(principal, which, page) {
      const user = await findUser(principal, which);
      return await ports.sshKeys.listOfUser(user.id, page);
    },
    async findSshKey(principal, which, id) {
      return (await findOwn(principal, which, id)).key;
    },
    async addSshKey(principal, which, draft) {
      const user = await findUser(principal, which);
      requireMaster(principal, user);
      if (isBot(user)) throw new HeliostatError("forbidden", "Nobody signs in as a bot.");
      // Whoever comes with an admin's key acts as one: what may not do that itself must not make a way to it.
      if (user.isAdmin) requireAdmin(principal);
      const offered = readDraft(draft, ports.clock.now());
      const { user: maker } = requireSignedIn(principal);
      const key = await ports.sshKeys.createOfUser(user.id, { ...offered, createdBy: maker.id });
      await audit(principal, "ssh-key-added", user, key);
      return key;
    },
    async removeSshKey(principal, which, id) {
      const { user, key } = await findOwn(principal, which, id);
      requireMaster(principal, user);
      await ports.sshKeys.remove(key.id);
      await audit(principal, "ssh-key-removed", user, key);
    },
    async findAnySshKey(principal, which) {
      requireAdmin(principal);
      const found =
        "id" in which
          ? await ports.sshKeys.find(which.id)
          : await ports.sshKeys.findByFingerprint(which.fingerprint.trim().replace(/^MD5:/i, ""));
      if (found === null) throw new HeliostatError("not-found", "Key Not Found");
      return { ...found, user: found.kind === "user" ? await ports.users.find(found.key.userId) : null };
    },
  };

  async function audit(principal: Principal, action: string, user: User, key: UserSshKey): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: auditedUser(user),
      target: { type: "Key", id: key.id, details: key.title },
      details: { fingerprint: key.fingerprintSha256, expires_at: key.expiresAt?.toISOString() ?? null },
    });
  }
}

/** The user themselves, or an admin; `forbidden` for anybody else. */
function requireMaster(principal: Principal, user: User): void {
  const { user: self } = requireSignedIn(principal);
  if (self.id !== user.id && !actsAsAdmin(principal)) requireAdmin(principal);
}
