import { randomUUID } from "node:crypto";
import { changedValues } from "../../domain/changed-values.ts";
import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import { parseHookUrl } from "../../domain/hook.ts";
import { canRun, type PipelineTrigger, WORKFLOW_KINDS } from "../../domain/pipeline-trigger.ts";
import type { ProjectAction } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { validateRegex } from "../../domain/re2-regex.ts";
import { isRefName } from "../../domain/ref-name.ts";
import type { Principal } from "../../domain/user.ts";
import { findProjectFor, requireSignedIn } from "../access.ts";
import { auditedProject } from "../audit/entities.ts";
import { deliverNow } from "../deliveries/attempt-delivery.ts";
import type { PathOrId } from "../path-or-id.ts";
import type { PipelineTriggerFacts, Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { composePipelineRequest } from "./compose-pipeline-request.ts";
import type { PipelineTriggerSettings, PipelineUseCases } from "./pipeline-use-cases.ts";
import { pipelineDraft } from "./start-pipelines.ts";

/** More say nothing that one of them could not pass on. */
const MOST_OF_A_PROJECT = 20;
const LONGEST = 255;
const LONGEST_TOKEN = 4096;

export function pipelineUseCases(ports: Ports): PipelineUseCases {
  async function find(principal: Principal, which: PathOrId, id: number, action: ProjectAction) {
    const project = await findProjectFor(ports, principal, which, action);
    const trigger = await ports.pipelineTriggers.find(id);
    if (trigger?.projectId !== project.id) throw notFound();
    return { project, trigger };
  }

  async function note(
    principal: Principal,
    action: string,
    project: Project,
    trigger: PipelineTrigger,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: auditedProject(project),
      target: { type: "PipelineTrigger", id: trigger.id, details: trigger.name },
      details: { kind: trigger.kind, ...details },
    });
  }

  return {
    async listPipelineTriggers(principal, which) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      return await ports.pipelineTriggers.listOf(project.id);
    },
    async findPipelineTrigger(principal, which, id) {
      return (await find(principal, which, id, "read-mirrors")).trigger;
    },
    async createPipelineTrigger(principal, which, { kind, ...settings }) {
      const project = await findProjectFor(ports, principal, which, "admin-mirrors");
      const { user } = requireSignedIn(principal);
      if ((await ports.pipelineTriggers.listOf(project.id)).length >= MOST_OF_A_PROJECT) {
        throw invalidField("base", `A project has at most ${MOST_OF_A_PROJECT} pipeline triggers.`);
      }
      const { facts, token } = readSettings({ ...NEW, kind }, settings);
      check(facts, token ?? null);
      await checkUrl(ports, facts.url);
      const trigger = await ports.pipelineTriggers.create(project.id, facts, token ?? null, user.id);
      const { url, enabled } = trigger;
      await note(principal, "pipeline-trigger-created", project, trigger, { url, enabled });
      return trigger;
    },
    async updatePipelineTrigger(principal, which, id, settings) {
      const { project, trigger } = await find(principal, which, id, "admin-mirrors");
      const { facts, token } = readSettings(trigger, settings);
      check(facts, token ?? null);
      if (facts.url !== trigger.url) await checkUrl(ports, facts.url);
      // Who may not know the token must not have it sent to a place of their own.
      const forgets = token === undefined && originOf(facts.url) !== originOf(trigger.url);
      const changed = await ports.pipelineTriggers.update(id, facts, forgets ? null : token);
      if (changed === null) throw notFound();
      const changes = changedValues(factsOf(trigger), factsOf(changed));
      const tokenChanged = forgets || token !== undefined;
      if (Object.keys(changes).length > 0 || tokenChanged) {
        await note(principal, "pipeline-trigger-changed", project, changed, {
          changes,
          ...(tokenChanged ? { token: changed.hasToken ? "given" : "taken away" } : {}),
        });
      }
      return changed;
    },
    async removePipelineTrigger(principal, which, id) {
      const { project, trigger } = await find(principal, which, id, "admin-mirrors");
      await ports.pipelineTriggers.remove(id);
      await note(principal, "pipeline-trigger-removed", project, trigger);
    },
    async testPipelineTrigger(principal, which, id, { ref, signal }) {
      const { project, trigger } = await find(principal, which, id, "admin-mirrors");
      const { silentModeEnabled } = await ports.settings.read();
      if (silentModeEnabled) {
        throw new HeliostatError("model-invalid", "Silent Mode is on: nothing is sent.");
      }
      const head =
        (await ports.repositories.readDefaultBranch(ports.repositories.pathOf(project.id))) ??
        "refs/heads/main";
      const wanted = ref ?? head;
      if (!isRefName(wanted) || !canRun(trigger.kind, wanted)) {
        throw new HeliostatError("parameter-invalid", "ref is invalid");
      }
      const draft = pipelineDraft(trigger, { ref: wanted, old: null, new: null }, randomUUID());
      const compose = (delivery: Parameters<typeof composePipelineRequest>[1]) =>
        composePipelineRequest(ports, delivery);
      const sent = await deliverNow(ports, draft, { compose, signal });
      const entry = sent && (await ports.deliveries.find(draft.target, sent.deliveryId));
      if (!entry) throw notFound();
      return entry;
    },
    async listPipelineDeliveries(principal, which, id, page) {
      await find(principal, which, id, "read-mirrors");
      return await ports.deliveries.list({ kind: "pipeline-trigger", id }, {}, page);
    },
  };
}

const NEW: Omit<PipelineTriggerFacts, "kind"> = {
  ...{ name: "", url: "", enabled: true, verifiesCertificate: true, refFilter: null },
  options: { workflow: null, user: null, variables: {} },
};

function readSettings(
  before: PipelineTriggerFacts,
  settings: PipelineTriggerSettings,
): { readonly facts: PipelineTriggerFacts; readonly token: string | null | undefined } {
  const { token, workflow, user, variables, refFilter, ...rest } = settings;
  const options = given({ workflow: blankAsNull(workflow), user: blankAsNull(user), variables });
  return {
    facts: {
      ...factsOf(before),
      ...given({ ...rest, refFilter: blankAsNull(refFilter) }),
      options: { ...before.options, ...options },
    },
    token: blankAsNull(token),
  };
}

function factsOf(trigger: PipelineTriggerFacts): PipelineTriggerFacts {
  const { kind, name, url, enabled, verifiesCertificate, refFilter, options } = trigger;
  return { kind, name, url, enabled, verifiesCertificate, refFilter, options };
}

function blankAsNull(text: string | null | undefined): string | null | undefined {
  return text === "" ? null : text;
}

function check({ kind, name, refFilter, options }: PipelineTriggerFacts, token: string | null): void {
  if (name.trim() === "") throw invalidField("name", "can't be blank");
  if (name.length > LONGEST) throw invalidField("name", `is too long (maximum is ${LONGEST} characters)`);
  const [complaint] = refFilter === null ? [] : validateRegex(refFilter);
  if (complaint !== undefined) throw invalidField("ref_filter", complaint);
  if (WORKFLOW_KINDS.includes(kind) && options.workflow === null) {
    throw invalidField("workflow", "is missing: the name of the workflow's file, such as build.yml");
  }
  if ((options.workflow ?? "").length > LONGEST) throw invalidField("workflow", "is too long");
  // In a header nothing else arrives as it was sent.
  if (token !== null && (token.length > LONGEST_TOKEN || !/^[\x21-\x7e]+$/.test(token))) {
    throw invalidField("token", "must be letters, digits and signs of ASCII, without spaces");
  }
  if (options.user !== null && !/^[^:\s\p{Cc}]{1,255}$/u.test(options.user)) {
    throw invalidField("user", "is invalid");
  }
}

async function checkUrl(ports: Pick<Ports, "instance" | "sender" | "settings">, text: string): Promise<void> {
  const { url, userinfo } = parseHookUrl(text);
  // Whoever may read the trigger reads its URL.
  if (userinfo !== null || url.includes("?")) {
    throw new HeliostatError(
      "url-invalid",
      "The URL must have no user, password or query: there are user and token",
    );
  }
  await ports.sender.check(url, { ...(await ports.settings.read()), ownUrl: ports.instance.externalUrl });
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

function notFound(): HeliostatError {
  return new HeliostatError("not-found", "Not found");
}
