import type { CredentialUseCases } from "../../../app/credentials/credential-use-cases.ts";
import { findNothing, paged } from "./memory.ts";

/** No named credentials. */
export function credentialsInMemory(): CredentialUseCases {
  return {
    listCredentials: async (_principal, _filter, page) => paged([], page),
    findCredential: findNothing,
    createCredential: findNothing,
    updateCredential: findNothing,
    removeCredential: findNothing,
    rotateCredential: findNothing,
    listCredentialUses: findNothing,
  };
}
