import type { SecretsState, UseCases } from "../../../app/use-cases.ts";
import { requireAdmin } from "./memory.ts";

const SECRETS_STATE: SecretsState = {
  keys: [{ id: "k1", isCurrent: true, isKnown: true, secrets: 3 }],
  mirrorsNeedingSecret: 0,
  usersWithoutSecondFactor: [],
};

/** One key, with which everything is sealed. */
export function secretsInMemory() {
  return {
    readSecretsState: async (principal) => {
      requireAdmin(principal);
      return SECRETS_STATE;
    },
    rotateSecrets: async (principal) => {
      requireAdmin(principal);
      return { key: "k2", sealed: 3, unreadable: [], removed: [], state: SECRETS_STATE };
    },
    listMirrorsNeedingSecret: async () => ({ items: [], total: 0 }),
  } satisfies Partial<UseCases>;
}
