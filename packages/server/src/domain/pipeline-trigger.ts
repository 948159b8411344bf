import type { PipelineTriggerKind } from "@heliostat/contract";
import type { TargetHealth } from "./delivery.ts";
import { assertNever } from "./errors.ts";
import { isTag, type RefName, shortName } from "./ref-name.ts";

/** What starts a pipeline elsewhere for refs that a pull mirror brought. Its token is not in here. */
export interface PipelineTrigger {
  readonly id: number;
  readonly projectId: number;
  readonly kind: PipelineTriggerKind;
  readonly name: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly verifiesCertificate: boolean;
  /** RE2, over the full names of refs; null: all. */
  readonly refFilter: string | null;
  readonly options: PipelineOptions;
  readonly hasToken: boolean;
  readonly health: TargetHealth;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What the kinds need besides. */
export interface PipelineOptions {
  readonly workflow: string | null;
  readonly user: string | null;
  readonly variables: Readonly<Record<string, string>>;
}

/** The ref that a pipeline is to run for. */
export interface PipelineRun {
  readonly ref: RefName;
  readonly old: string | null;
  readonly new: string | null;
}

/** The project that the pipeline is about, for kinds that tell of it. */
export interface PipelineProject {
  readonly id: number;
  readonly path: string;
  readonly webUrl: string;
}

/** The request that starts a pipeline. What is in `secretHeaders` must not be shown, nor is the body. */
export interface PipelineRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secretHeaders: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Kinds that name their workflow. */
export const WORKFLOW_KINDS: readonly PipelineTriggerKind[] = ["github", "gitea", "forgejo"];

/** Whether the other side can run a pipeline for such a ref: Woodpecker knows of branches only. */
export function canRun(kind: PipelineTriggerKind, ref: RefName): boolean {
  return kind !== "woodpecker" || !isTag(ref);
}

/** The request of this trigger for one ref, as its kind wants it. In variables, `{ref}`, `{old}`, `{new}` and `{project}` are put in. */
export function pipelineRequest(
  trigger: Pick<PipelineTrigger, "id" | "kind" | "name" | "url" | "options">,
  token: string | null,
  run: PipelineRun,
  project: PipelineProject,
): PipelineRequest {
  const url = trigger.url.replace(/\/+$/, "");
  const ref = shortName(run.ref);
  const variables = fillIn(trigger.options.variables, run, project);
  const bearer = (word: string) => (token === null ? {} : { Authorization: `${word} ${token}` });
  const workflowUrl = `${url}/actions/workflows/${encodeURIComponent(trigger.options.workflow ?? "")}/dispatches`;
  switch (trigger.kind) {
    case "gitlab":
      return json(url, { token: token ?? "", ref, variables });
    case "github":
      return {
        ...json(workflowUrl, { ref, inputs: variables }, bearer("Bearer")),
        headers: {
          Accept: "application/vnd.github+json",
          "Content-Type": "application/json",
          "X-GitHub-Api-Version": "2022-11-28",
        },
      };
    case "gitea":
    case "forgejo":
      // A short name would be taken for a branch.
      return json(workflowUrl, { ref: run.ref, inputs: variables }, bearer("token"));
    case "woodpecker":
      return json(`${url}/pipelines`, { branch: ref, variables }, bearer("Bearer"));
    case "jenkins":
      return jenkinsRequest(url, token, trigger.options.user, { REF: run.ref, BRANCH: ref, ...variables });
    case "generic":
      return json(
        url,
        {
          event: "pipeline_trigger",
          ref: run.ref,
          old: run.old,
          new: run.new,
          project: { id: project.id, path_with_namespace: project.path, web_url: project.webUrl },
          trigger: { id: trigger.id, name: trigger.name },
          variables,
        },
        bearer("Bearer"),
      );
    default:
      return assertNever(trigger.kind);
  }
}

/** A user's token signs in; without a user it is the job's own, which is one of the parameters. */
function jenkinsRequest(
  url: string,
  token: string | null,
  user: string | null,
  parameters: Readonly<Record<string, string>>,
): PipelineRequest {
  const form = new URLSearchParams(parameters);
  if (token !== null && user === null) form.set("token", token);
  return {
    url: `${url}/buildWithParameters`,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    secretHeaders:
      token === null || user === null
        ? {}
        : { Authorization: `Basic ${Buffer.from(`${user}:${token}`, "utf8").toString("base64")}` },
    body: form.toString(),
  };
}

function json(
  url: string,
  body: object,
  secretHeaders: Readonly<Record<string, string>> = {},
): PipelineRequest {
  return { url, headers: { "Content-Type": "application/json" }, secretHeaders, body: JSON.stringify(body) };
}

function fillIn(
  variables: Readonly<Record<string, string>>,
  run: PipelineRun,
  project: PipelineProject,
): Readonly<Record<string, string>> {
  const values: Readonly<Record<string, string>> = {
    ...{ ref: run.ref, old: run.old ?? "", new: run.new ?? "", project: project.path },
  };
  return Object.fromEntries(
    Object.entries(variables).map(([name, text]) => [
      name,
      text.replaceAll(/\{(ref|old|new|project)\}/g, (_whole, what: string) => values[what] ?? ""),
    ]),
  );
}
