import { changedValues } from "../../domain/changed-values.ts";
import { alertStatusOf, GOOD_HEALTH } from "../../domain/delivery.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Hook } from "../../domain/hook.ts";
import type { Project } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { auditedProject } from "../audit/entities.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { HookFacts, Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { checkDestination, planHook, refuseBadPair } from "./check-hook.ts";
import type { HookPairChange, HookUseCases, HookView } from "./hook-use-cases.ts";

/** GitLab's. */
const MOST_HOOKS = 100;

const DEFAULT_FACTS: Omit<HookFacts, "url"> = {
  ...{ name: null, description: null, verifiesCertificate: true, events: ["push_events"] },
  ...{ branchFilter: null, branchFilterStrategy: "wildcard", template: null },
};

/** A hook of a project, for somebody who may change its settings. */
export async function findHookFor(
  ports: Pick<Ports, "hooks" | "projects">,
  principal: Principal,
  which: PathOrId,
  id: number,
  action: "read-hooks" | "admin-hooks",
): Promise<{ readonly project: Project; readonly hook: Hook }> {
  const project = await findProjectFor(ports, principal, which, action);
  const hook = await ports.hooks.find(project.id, id);
  if (hook === null) throw notFound();
  return { project, hook };
}

/** Notes what somebody did with a hook. Of its URL only where it leads: the rest may be a secret. */
export async function auditHook(
  ports: Pick<Ports, "audit" | "clock">,
  principal: Principal,
  action: string,
  { project, hook }: { readonly project: Project; readonly hook: Hook },
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await recordAudit(ports, principal, {
    action,
    entity: auditedProject(project),
    target: { type: "ProjectHook", id: hook.id, details: hook.name ?? serverOf(hook.url) },
    details,
  });
}

/** What maintainers may do with the webhooks of their project. */
export function manageHookUseCases(
  ports: Ports,
): Pick<
  HookUseCases,
  "listHooks" | "findHook" | "createHook" | "updateHook" | "removeHook" | "changeHookPair"
> {
  function view(hook: Hook): HookView {
    const { disabledUntil } = hook.health;
    const alertStatus = alertStatusOf(hook.health, ports.clock.now());
    return {
      hook,
      alertStatus,
      disabledUntil:
        alertStatus === "temporarily_disabled" && disabledUntil instanceof Date ? disabledUntil : null,
      needsSecret: hook.secretKeyIds.some((id) => !ports.secretKeys.isKnown(id)),
    };
  }

  return {
    async listHooks(principal, which, page) {
      const project = await findProjectFor(ports, principal, which, "read-hooks");
      const { items, total } = await ports.hooks.list(project.id, page);
      return { items: items.map(view), total };
    },
    async findHook(principal, which, id) {
      return view((await findHookFor(ports, principal, which, id, "read-hooks")).hook);
    },
    async createHook(principal, which, draft) {
      const project = await findProjectFor(ports, principal, which, "admin-hooks");
      const { facts, secrets } = planHook(null, draft);
      const whole: HookFacts = { ...DEFAULT_FACTS, ...facts, url: facts.url ?? draft.url };
      await checkDestination(ports, { url: whole.url, secrets });
      if ((await ports.hooks.count(project.id)) >= MOST_HOOKS) {
        const complaint = `Maximum number of project hooks (${MOST_HOOKS}) exceeded`;
        throw new HeliostatError("model-invalid", complaint, { fields: { base: [complaint] } });
      }
      const { user } = requireSignedIn(principal);
      const hook = await ports.hooks.create(project.id, whole, secrets, {
        by: user.id,
        at: ports.clock.now(),
      });
      await auditHook(ports, principal, "hook-created", { project, hook }, auditedFacts(hook));
      return view(hook);
    },
    async updateHook(principal, which, id, changes) {
      const { project, hook: before } = await findHookFor(ports, principal, which, id, "admin-hooks");
      const { facts, secrets } = planHook(before, changes);
      const { url } = facts;
      if (url !== undefined && url !== before.url) await checkDestination(ports, { url, secrets });
      const changed = await ports.hooks.update(id, facts, secrets);
      if (changed === null) throw notFound();
      const target = { kind: "hook", id } as const;
      const health = await ports.deliveries.changeHealth(target, () => GOOD_HEALTH, ports.clock.now());
      const hook = health === null ? changed : { ...changed, health };
      await auditHook(
        ports,
        principal,
        "hook-changed",
        { project, hook },
        {
          changes: {
            ...changedValues(auditedFacts(before), auditedFacts(hook)),
            ...(before.url === hook.url ? {} : { url: {} }),
          },
          secrets: secrets.set.map(({ kind, name }) => (name === "" ? kind : `${kind} ${name}`)),
        },
      );
      return view(hook);
    },
    async removeHook(principal, which, id) {
      const found = await findHookFor(ports, principal, which, id, "admin-hooks");
      await ports.hooks.remove(id);
      await auditHook(ports, principal, "hook-removed", found);
    },
    async changeHookPair(principal, which, id, change) {
      const found = await findHookFor(ports, principal, which, id, "admin-hooks");
      const { kind, key, value } = change;
      refuseBadChange(found.hook, change);
      const secrets = { set: [{ kind, name: key, value }], forgetsOthers: false, replaces: [] };
      if ((await ports.hooks.update(id, {}, secrets)) === null) throw notFound();
      await auditHook(ports, principal, "hook-changed", found, { secrets: [`${kind} ${key}`] });
    },
  };
}

function refuseBadChange(hook: Hook, { kind, key, value }: HookPairChange): void {
  const known = kind === "header" ? hook.customHeaders : hook.urlVariables;
  if (value !== null) {
    const field = kind === "header" ? "custom_headers" : "url_variables";
    refuseBadPair(field, { key, value });
  } else if (!known.includes(key)) {
    throw notFound();
  }
}

/** What may be told of a hook to whoever reads the audit log. */
function auditedFacts(hook: Hook): Readonly<Record<string, unknown>> {
  return {
    server: serverOf(hook.url),
    name: hook.name,
    events: hook.events,
    verifies_certificate: hook.verifiesCertificate,
    branch_filter: hook.branchFilter,
    branch_filter_strategy: hook.branchFilterStrategy,
    has_template: hook.template !== null,
    url_variables: hook.urlVariables,
    custom_headers: hook.customHeaders,
    has_token: hook.hasToken,
    has_signing_token: hook.hasSigningToken,
  };
}

function serverOf(url: string): string {
  return /^[a-z]+:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(url)?.[1] ?? "";
}

function notFound(): HeliostatError {
  return new HeliostatError("not-found", "Not found");
}
