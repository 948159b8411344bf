import type { sshAttributes } from "@heliostat/contract/api/host-keys.ts";
import type { z } from "zod";
import type { MirrorSettings } from "../../../app/use-cases.ts";

type SshParameters = {
  readonly [name in keyof typeof sshAttributes]?: z.output<(typeof sshAttributes)[name]>;
};

type SshSetting = "hostKeys" | "knownHosts" | "sshKeyType" | "privateKey" | "regeneratesKeyPair";

/** What all endpoints that save mirrors take for SSH; for `given`. A form's empty field is no key. */
export function readSsh(params: SshParameters): {
  readonly [name in SshSetting]: MirrorSettings[name] | undefined;
} {
  return {
    hostKeys: params.host_keys,
    knownHosts: params.ssh_known_hosts,
    sshKeyType: params.ssh_key_type,
    privateKey: params.ssh_private_key || undefined,
    regeneratesKeyPair: params.regenerate_ssh_private_key,
  };
}
