import type { SshKeyUseCases } from "../../../app/ssh-keys/ssh-key-use-cases.ts";
import { findNothing, paged } from "./memory.ts";

/** No keys, and SSH is off. */
export function sshKeysInMemory(): SshKeyUseCases {
  return {
    listSshKeys: async (_principal, _user, page) => paged([], page),
    findSshKey: findNothing,
    addSshKey: findNothing,
    removeSshKey: findNothing,
    findAnySshKey: findNothing,
    listDeployKeys: async (_principal, _project, page) => paged([], page),
    findDeployKey: findNothing,
    addDeployKey: findNothing,
    changeDeployKey: findNothing,
    enableDeployKey: findNothing,
    removeDeployKey: findNothing,
    listAllDeployKeys: async (_principal, page) => paged([], page),
    authenticateSshKey: async () => null,
    noteSshKeyUse: async () => {},
    readSshDoor: () => null,
  };
}
