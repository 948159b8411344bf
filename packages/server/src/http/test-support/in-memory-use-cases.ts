import type { UseCases } from "../../app/use-cases.ts";
import { accountsInMemory } from "./use-cases/accounts.ts";
import { auditInMemory } from "./use-cases/audit.ts";
import { browsingInMemory } from "./use-cases/browsing.ts";
import { credentialsInMemory } from "./use-cases/credentials.ts";
import { eventsInMemory } from "./use-cases/events.ts";
import { groupsInMemory } from "./use-cases/groups.ts";
import { hooksInMemory } from "./use-cases/hooks.ts";
import { instanceInMemory } from "./use-cases/instance.ts";
import { membersInMemory } from "./use-cases/members.ts";
import { createMemory } from "./use-cases/memory.ts";
import { mirrorHooksInMemory } from "./use-cases/mirror-hooks.ts";
import { mirrorInsightInMemory } from "./use-cases/mirror-insight.ts";
import { mirrorsInMemory } from "./use-cases/mirrors.ts";
import { namespacesInMemory } from "./use-cases/namespaces.ts";
import { openIdConnectInMemory } from "./use-cases/openid-connect.ts";
import { pipelinesInMemory } from "./use-cases/pipelines.ts";
import { projectsInMemory } from "./use-cases/projects.ts";
import { protectionsInMemory } from "./use-cases/protections.ts";
import { repositoriesInMemory } from "./use-cases/repositories.ts";
import { secondFactorInMemory } from "./use-cases/second-factor.ts";
import { secretsInMemory } from "./use-cases/secrets.ts";
import { signInInMemory } from "./use-cases/sign-in.ts";
import { sshKeysInMemory } from "./use-cases/ssh-keys.ts";
import { tokensInMemory } from "./use-cases/tokens.ts";
import { updatesInMemory } from "./use-cases/updates.ts";

export { ROOT, SECRETS } from "./use-cases/people.ts";

/**
 * A small instance in memory, for tests of what HTTP makes of use cases: users, projects and mirrors that can be made
 * and read, no rules of their own beyond what the form of answers depends on. `overrides` replaces any of it. The areas
 * are those of `app/`, a file each in `use-cases/`.
 */
export function createInMemoryUseCases(overrides: Partial<UseCases> = {}): UseCases {
  const memory = createMemory();
  return {
    ...accountsInMemory(memory),
    ...signInInMemory(),
    ...instanceInMemory(),
    ...secretsInMemory(),
    ...auditInMemory(),
    ...tokensInMemory(memory),
    ...secondFactorInMemory(),
    ...openIdConnectInMemory(),
    ...namespacesInMemory(),
    ...groupsInMemory(memory),
    ...membersInMemory(),
    ...projectsInMemory(memory),
    ...protectionsInMemory(memory),
    ...mirrorsInMemory(memory),
    ...updatesInMemory(memory),
    ...mirrorHooksInMemory(memory),
    ...hooksInMemory(),
    ...mirrorInsightInMemory(),
    ...pipelinesInMemory(),
    ...credentialsInMemory(),
    ...sshKeysInMemory(),
    ...eventsInMemory(memory),
    ...browsingInMemory(memory),
    ...repositoriesInMemory(),
    ...overrides,
  };
}
