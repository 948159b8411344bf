import { knownHostsName } from "../../domain/ssh-clone-url.ts";
import { hasExpired } from "../../domain/ssh-key.ts";
import { asMember } from "../accounts/authenticate.ts";
import type { Ports } from "../ports.ts";
import type { SshKeyUseCases } from "./ssh-key-use-cases.ts";

/** Who comes in by SSH. */
export function sshAuthenticationUseCases(
  ports: Pick<Ports, "users" | "members" | "sshKeys" | "clock" | "instance" | "ownHostKeys">,
): Pick<SshKeyUseCases, "authenticateSshKey" | "noteSshKeyUse" | "readSshDoor"> {
  return {
    async authenticateSshKey(fingerprint, from) {
      const found = await ports.sshKeys.findByFingerprint(fingerprint);
      if (found === null) return null;
      const { id } = found.key;
      if (hasExpired(found.key, ports.clock.now())) return null;
      if (found.kind === "deploy") {
        const { key } = found;
        return { principal: { kind: "deploy-key", key, from }, keyId: id, name: `deploy key ${key.title}` };
      }
      const user = await ports.users.find(found.key.userId);
      if (user === null || user.state === "blocked") return null;
      const member = await asMember(ports, user);
      const principal = { kind: "user", token: null, sshKey: found.key, ...member, from } as const;
      return { principal, keyId: id, name: `@${user.username}` };
    },
    async noteSshKeyUse(id) {
      await ports.sshKeys.touch(id, ports.clock.now());
    },
    readSshDoor() {
      const host = knownHostsName(ports.instance);
      return host === null ? null : { host, keys: ports.ownHostKeys.list() };
    },
  };
}
