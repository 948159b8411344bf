import type { OpenIdConnectUseCases } from "../../../app/openid-connect/openid-connect-use-cases.ts";
import { findNothing } from "./memory.ts";

/** No provider. */
export function openIdConnectInMemory(): OpenIdConnectUseCases {
  return {
    readProviderName: () => null,
    beginProviderSignIn: findNothing,
    connectIdentity: findNothing,
    finishAtProvider: findNothing,
    listIdentities: async () => [],
    disconnectIdentity: findNothing,
  };
}
