import { BRANCH_FILTER_STRATEGIES, FIRED_HOOK_EVENTS, type FiredHookEvent } from "@heliostat/contract";
import {
  type HookAnswer,
  type HookEventAnswer,
  hookEventSchema,
  hookSchema,
} from "@heliostat/contract/api/hooks.ts";
import type { Command } from "commander";
import { HeliostatError } from "../../domain/errors.ts";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { findByIdOrName, isId, projectPath, whereNotFound } from "../connection/find.ts";
import { given, parseCount, parseWord, readTextFile, requireSome } from "../parse-options.ts";
import { addServerCommand, describeUse, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { facts, table } from "../terminal/table.ts";
import { readSecret } from "../terminal/terminal-input.ts";

interface HookFlags extends CommonFlags {
  readonly name?: string;
  readonly description?: string;
  readonly events?: string;
  readonly branches?: string;
  readonly branchFilter?: string;
  readonly template?: string;
  readonly verify?: boolean;
  readonly tokenStdin?: boolean;
  readonly signingTokenStdin?: boolean;
  readonly newUrl?: string;
}

/** `push` for `push_events`: what a person types. */
const EVENT_WORDS: readonly string[] = FIRED_HOOK_EVENTS.map(wordOf);
const WHICH = "by id or name";

/** Declares the commands of `heliostat hook`. */
export function declareHook(hook: Command): void {
  hook.addHelpText("after", SERVER_HELP);

  addServerCommand(hook, "list <project>", "list the webhooks of a project")
    .addHelpText("after", examples("hook list team/hello"))
    .action(async (project: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answers = await api.list(hooksPath(project));
      printAnswer(flags, answers, () => describeHooks(hookSchema.array().parse(answers)));
    });

  addServerCommand(hook, "show <project> <hook>", `show a webhook (${WHICH})`)
    .addHelpText("after", examples("hook show team/hello 3"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      const api = await connect(flags);
      const answer = await findHook(api, project, name);
      printAnswer(flags, answer, () => describeHook(answer));
    });

  withSettings(
    addServerCommand(hook, "add <project> <url>", "let a URL be told of what happens in a project"),
  )
    .addHelpText(
      "after",
      describeUse(
        "Without --events it is told of pushes. Secrets in the URL and in headers are set by API.",
        "hook add team/hello https://ci.example.com/hook --events push,tag_push",
        "hook add team/hello https://ci.example.com/hook --signing-token-stdin < secret.txt",
      ),
    )
    .action(async (project: string, url: string, flags: HookFlags) => {
      const settings = await readSettings(flags);
      const api = await connect(flags);
      const answer = await api.call("POST", hooksPath(project), { url, ...settings });
      printAnswer(flags, answer, () => describeHook(hookSchema.parse(answer)));
    });

  withSettings(
    addServerCommand(hook, "edit <project> <hook>", `change a webhook; what is not named stays (${WHICH})`),
  )
    .option("--new-url <url>", "another address")
    .addHelpText("after", examples("hook edit team/hello ci --events push,mirror_update"))
    .action(async (project: string, name: string, flags: HookFlags) => {
      const settings = { ...(await readSettings(flags)), ...given({ url: flags.newUrl }) };
      requireSome(settings);
      const api = await connect(flags);
      const { id } = await findHook(api, project, name);
      const answer = await api.call("PUT", `${hooksPath(project)}/${id}`, settings);
      printAnswer(flags, answer, () => describeHook(hookSchema.parse(answer)));
    });

  addServerCommand(hook, "remove <project> <hook>", `remove a webhook (${WHICH})`)
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("hook remove team/hello ci"))
    .action(async (project: string, name: string, flags: CommonFlags & { readonly yes?: boolean }) => {
      const api = await connect(flags);
      const answer = await findHook(api, project, name);
      const what = `Webhook ${answer.id} of ${plain(project)}: ${plain(answer.url)}`;
      if (!(await confirmRemoval(flags, what, "Remove it?"))) return;
      await api.call("DELETE", `${hooksPath(project)}/${answer.id}`);
      printAnswer(flags, answer, () => `Webhook ${answer.id} removed: ${plain(answer.url)}`);
    });

  addServerCommand(hook, "test <project> <hook>", `send a webhook a sample now (${WHICH})`)
    .option("--event <word>", EVENT_WORDS.join(", "), "push")
    .addHelpText("after", examples("hook test team/hello ci --event tag_push"))
    .action(async (project: string, name: string, flags: CommonFlags & { readonly event: string }) => {
      const event = parseEvent("--event", flags.event);
      const api = await connect(flags);
      const { id, url } = await findHook(api, project, name);
      const answer = await api.call("POST", `${hooksPath(project)}/${id}/test/${event}`);
      printAnswer(
        flags,
        answer,
        () => `Sent to ${plain(url)}. What came back: heliostat hook events ${plain(project)} ${id}`,
      );
    });

  addServerCommand(
    hook,
    "events <project> <hook> [event]",
    `list what was sent to a webhook (${WHICH}), or show one`,
  )
    .option("--limit <number>", "no more than so many", "20")
    .addHelpText("after", examples("hook events team/hello ci", "hook events team/hello ci 1234"))
    .action(showEvents);

  addServerCommand(
    hook,
    "resend <project> <hook> <event>",
    `send something to a webhook once more (${WHICH})`,
  )
    .addHelpText("after", examples("hook resend team/hello ci 1234"))
    .action(async (project: string, name: string, event: string, flags: CommonFlags) => {
      const id = parseCount("EVENT", event);
      const api = await connect(flags);
      const hookPath = `${hooksPath(project)}/${(await findHook(api, project, name)).id}`;
      const answer = await api
        .call("POST", `${hookPath}/events/${id}/resend`)
        .catch(whereNotFound(noEvent(id)));
      printAnswer(flags, answer, () => `Event ${id} is sent once more.`);
    });
}

function withSettings(command: Command): Command {
  return command
    .option("--events <list>", `what it is told of, with commas: ${EVENT_WORDS.join(", ")}`)
    .option("--branches <pattern>", "pushes of these branches only; empty: of all")
    .option("--branch-filter <word>", `how that is read: ${BRANCH_FILTER_STRATEGIES.join(", ")}`)
    .option("--name <text>", "what it is called")
    .option("--description <text>", "what it is for")
    .option("--template <file>", "send what this file says instead of GitLab's payload; - for standard input")
    .option("--verify", "check the certificate of its server (the default)")
    .option("--no-verify", "do not check it")
    .option("--token-stdin", "read the token for X-Gitlab-Token from standard input")
    .option("--signing-token-stdin", "read the secret that payloads are signed with from standard input");
}

async function readSettings(flags: HookFlags): Promise<Readonly<Record<string, unknown>>> {
  const reads = [flags.tokenStdin, flags.signingTokenStdin, flags.template === "-"].filter(Boolean);
  if (reads.length > 1) {
    throw new HeliostatError("parameter-invalid", "Only one option can read standard input");
  }
  const wanted = flags.events?.split(",").map((word) => parseEvent("--events", word.trim()));
  const switches =
    wanted && Object.fromEntries(FIRED_HOOK_EVENTS.map((event) => [event, wanted.includes(event)]));
  const secret = async (option: string) =>
    await readSecret(option, `heliostat hook … ${option} < secret.txt`);
  return {
    ...switches,
    ...given({
      name: flags.name,
      description: flags.description,
      push_events_branch_filter: flags.branches,
      branch_filter_strategy:
        flags.branchFilter === undefined
          ? undefined
          : parseWord("--branch-filter", flags.branchFilter, BRANCH_FILTER_STRATEGIES),
      custom_webhook_template:
        flags.template === undefined ? undefined : await readTextFile("--template", flags.template),
      enable_ssl_verification: flags.verify,
      token: flags.tokenStdin ? await secret("--token-stdin") : undefined,
      signing_token: flags.signingTokenStdin ? await secret("--signing-token-stdin") : undefined,
    }),
  };
}

function wordOf(event: FiredHookEvent): string {
  return event.replace(/_events$/, "");
}

function parseEvent(option: string, text: string): FiredHookEvent {
  const word = parseWord(option, text.replace(/_events$/, ""), EVENT_WORDS);
  const event = FIRED_HOOK_EVENTS.find((each) => wordOf(each) === word);
  if (event === undefined) throw new HeliostatError("bug", `no event is called ${word}`);
  return event;
}

function hooksPath(project: string): string {
  return `${projectPath(project)}/hooks`;
}

async function findHook(api: ApiClient, project: string, name: string): Promise<HookAnswer> {
  if (isId(name)) {
    const missing = whereNotFound(
      `${plain(project)} has no webhook ${name}: heliostat hook list shows those it has.`,
    );
    return hookSchema.parse(await api.call("GET", `${hooksPath(project)}/${name}`).catch(missing));
  }
  const hooks = hookSchema.array().parse(await api.list(hooksPath(project)));
  return findByIdOrName("webhook", name, hooks, (each) => each.name ?? each.url);
}

function noEvent(id: number): string {
  return `There is no event ${id} of this webhook: heliostat hook events lists those of the last seven days.`;
}

async function showEvents(
  project: string,
  name: string,
  event: string | undefined,
  flags: CommonFlags & { readonly limit: string },
): Promise<void> {
  const limit = parseCount("--limit", flags.limit);
  const id = event === undefined ? null : parseCount("EVENT", event);
  const api = await connect(flags);
  const path = `${hooksPath(project)}/${(await findHook(api, project, name)).id}/events`;
  if (id === null) {
    const answers = await api.list(path, limit);
    printAnswer(flags, answers, () => describeEvents(hookEventSchema.array().parse(answers)));
    return;
  }
  const answer = await api.call("GET", `${path}/${id}`).catch(whereNotFound(noEvent(id)));
  printAnswer(flags, answer, () => describeEvent(hookEventSchema.parse(answer)));
}

function describeHooks(hooks: readonly HookAnswer[]): string {
  if (hooks.length === 0) return "There are no webhooks.";
  return table([
    ["ID", "NAME", "URL", "EVENTS", "STATE"],
    ...hooks.map((each) => [String(each.id), each.name ?? "-", each.url, eventsOf(each), stateOf(each)]),
  ]);
}

function eventsOf(hook: HookAnswer): string {
  return (
    FIRED_HOOK_EVENTS.filter((event) => hook[event])
      .map(wordOf)
      .join(",") || "none"
  );
}

function stateOf({ alert_status, disabled_until, needs_secret }: HookAnswer): string {
  if (needs_secret) return "needs its secret again";
  if (alert_status === "executable") return "good";
  return disabled_until === null ? "off after failures" : `off until ${formatTime(disabled_until)}`;
}

function describeHook(hook: HookAnswer): string {
  const headers = hook.custom_headers.map(({ key }) => key).join(", ");
  const secrets = [
    ...(hook.token_present ? ["token"] : []),
    ...(hook.signing_token_present ? ["signing token"] : []),
  ];
  return facts([
    ["Webhook", `${hook.id}: ${hook.url}`],
    ...(hook.name === null ? [] : [["Name", hook.name] as const]),
    ...(hook.description === null ? [] : [["Description", hook.description] as const]),
    ["State", stateOf(hook)],
    ["Events", eventsOf(hook)],
    ["Branches", hook.push_events_branch_filter || "all"],
    ["Secrets", secrets.join(", ") || "none"],
    ...(headers === "" ? [] : [["Headers", headers] as const]),
    ["Certificate", hook.enable_ssl_verification ? "checked" : "not checked"],
  ]);
}

function describeEvents(events: readonly HookEventAnswer[]): string {
  if (events.length === 0) return "Nothing was sent in the last seven days.";
  return table([
    ["ID", "SENT", "EVENT", "STATUS", "ATTEMPTS", "TOOK", "ERROR"],
    ...events.map((each) => [
      String(each.id),
      formatTime(each.created_at),
      each.trigger,
      each.response_status,
      String(each.attempts),
      each.execution_duration === null ? "-" : `${each.execution_duration.toFixed(2)} s`,
      each.error ?? "",
    ]),
  ]);
}

function describeEvent(event: HookEventAnswer): string {
  const headers = (of: Readonly<Record<string, string>>) =>
    Object.entries(of).map(([name, value]) => `  ${plain(name)}: ${plain(value)}`);
  return [
    facts([
      ["Event", `${event.id}: ${event.trigger}`],
      ["Sent to", event.url ?? "-"],
      ["Status", event.response_status],
      ...(event.error === null ? [] : [["Error", event.error] as const]),
      ["Attempts", String(event.attempts)],
      ...(event.next_attempt_at === null
        ? []
        : [["Next attempt", formatTime(event.next_attempt_at)] as const]),
    ]),
    "",
    "Request",
    ...headers(event.request_headers),
    ...JSON.stringify(event.request_data, null, 2)
      .split("\n")
      .map((line) => `  ${plain(line)}`),
    "",
    "Response",
    ...headers(event.response_headers),
    ...(event.response_body ?? "").split("\n").map((line) => `  ${plain(line)}`),
  ].join("\n");
}
