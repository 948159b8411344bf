import { invalidField } from "../../domain/errors.ts";
import {
  type Hook,
  hideUserinfo,
  interpolateUrl,
  isPairKey,
  parseHookUrl,
  USERINFO_VARIABLE,
  variablesIn,
} from "../../domain/hook.ts";
import { validateRegex } from "../../domain/re2-regex.ts";
import type { HookFacts, HookSecretChanges, Ports } from "../ports.ts";
import type { HookChanges, HookPairDraft } from "./hook-use-cases.ts";

/** GitLab's numbers. */
const LONGEST_NAME = 255;
const LONGEST_DESCRIPTION = 2_048;
const LONGEST_TEMPLATE = 4_096;
const LONGEST_VALUE = 2_048;
const LONGEST_URL = 2_048;
const MOST_PAIRS = 20;

/** What becomes of a hook's row, and of its secrets. */
export interface HookPlan {
  readonly facts: Partial<HookFacts>;
  readonly secrets: HookSecretChanges;
}

/** What a draft or a change of a hook comes to; `before` null: it is made. `model-invalid` in GitLab's words. */
export function planHook(before: Hook | null, wanted: HookChanges): HookPlan {
  const hidden = wanted.url === undefined ? null : hideUserinfo(wanted.url.trim());
  const url = hidden?.url;
  refuseBadTexts({ ...wanted, ...(url === undefined ? {} : { url }) });
  refuseBadPairs("custom_headers", wanted.headers, before?.customHeaders ?? []);
  refuseBadPairs("url_variables", wanted.urlVariables, before?.urlVariables ?? []);
  const events = { ...switchesOf(before), ...wanted.events };
  const filter = wanted.branchFilter === undefined ? (before?.branchFilter ?? null) : wanted.branchFilter;
  const strategy = wanted.branchFilterStrategy ?? before?.branchFilterStrategy ?? "wildcard";
  refuseBadFilter(filter, strategy);
  const leavesServer = before !== null && url !== undefined && url !== before.url;
  const facts: Partial<HookFacts> = {
    ...(url === undefined ? {} : { url }),
    ...(wanted.name === undefined ? {} : { name: wanted.name || null }),
    ...(wanted.description === undefined ? {} : { description: wanted.description || null }),
    ...(wanted.verifiesCertificate === undefined ? {} : { verifiesCertificate: wanted.verifiesCertificate }),
    ...(wanted.branchFilter === undefined ? {} : { branchFilter: wanted.branchFilter || null }),
    ...(wanted.branchFilterStrategy === undefined
      ? {}
      : { branchFilterStrategy: wanted.branchFilterStrategy }),
    ...(wanted.template === undefined ? {} : { template: wanted.template || null }),
    events: Object.entries(events).flatMap(([event, isOn]) =>
      isOn ? [event as Hook["events"][number]] : [],
    ),
  };
  return { facts, secrets: planSecrets(wanted, { userinfo: hidden?.userinfo ?? null, leavesServer }) };
}

function switchesOf(before: Hook | null): Partial<Record<Hook["events"][number], boolean>> {
  // GitLab's default.
  if (before === null) return { push_events: true };
  return Object.fromEntries(before.events.map((event) => [event, true]));
}

function planSecrets(
  { token, signingToken, headers, urlVariables }: HookChanges,
  { userinfo, leavesServer }: { readonly userinfo: string | null; readonly leavesServer: boolean },
): HookSecretChanges {
  const valuesOf = (kind: "header" | "url_variable", pairs: readonly HookPairDraft[] = []) =>
    pairs.flatMap(({ key, value }) => (value === undefined ? [] : [{ kind, name: key, value }]));
  const text = (kind: "token" | "signing_token", value: string | null | undefined) =>
    value === undefined ? [] : [{ kind, name: "", value: value || null }];
  return {
    set: [
      ...text("token", token),
      ...text("signing_token", signingToken),
      ...valuesOf("header", headers),
      ...valuesOf("url_variable", urlVariables).filter(
        ({ name }) => userinfo === null || name !== USERINFO_VARIABLE,
      ),
      ...(userinfo === null
        ? []
        : [{ kind: "url_variable", name: USERINFO_VARIABLE, value: userinfo } as const]),
    ],
    forgetsOthers: leavesServer,
    // With names alone, as a client reads and writes them back, the values that are there stay.
    replaces: [
      ...(areAllGiven(headers) ? (["header"] as const) : []),
      ...(areAllGiven(urlVariables) && userinfo === null ? (["url_variable"] as const) : []),
    ],
  };
}

function areAllGiven(pairs: readonly HookPairDraft[] | undefined): boolean {
  return pairs?.every(({ value }) => value !== undefined) ?? false;
}

/**
 * Looks at where the hook leads, with the values of its variables, as the outbound guard does again each time something
 * is sent. `url-invalid`, `url-blocked`; a host that cannot be looked up now may be there by then.
 */
export async function checkDestination(
  ports: Pick<Ports, "instance" | "sender" | "settings">,
  { url, secrets }: { readonly url: string; readonly secrets: HookSecretChanges },
): Promise<void> {
  const values = new Map(
    secrets.set.flatMap(({ kind, name, value }) =>
      kind === "url_variable" && value !== null ? [[name, value] as const] : [],
    ),
  );
  const missing = variablesIn(url).filter((name) => !values.has(name));
  if (missing.length > 0)
    throw invalidField("url", `Invalid URL template. Missing keys: ${missing.join(", ")}`);
  const { url: whole } = parseHookUrl(interpolateUrl(url, values));
  await ports.sender.check(whole, { ...(await ports.settings.read()), ownUrl: ports.instance.externalUrl });
}

function refuseBadTexts({
  url,
  name,
  description,
  template,
  token,
  signingToken,
}: Pick<HookChanges, "url" | "name" | "description" | "template" | "token" | "signingToken">): void {
  if (url?.trim() === "") throw invalidField("url", "can't be blank");
  refuseLong("url", url, LONGEST_URL);
  refuseLong("name", name, LONGEST_NAME);
  refuseLong("description", description, LONGEST_DESCRIPTION);
  refuseLong("custom_webhook_template", template, LONGEST_TEMPLATE);
  for (const [field, value] of [
    ["token", token],
    ["signing_token", signingToken],
  ] as const) {
    refuseLong(field, value, LONGEST_VALUE);
    refuseBadHeaderValue(field, value);
  }
}

function refuseLong(field: string, value: string | null | undefined, longest: number): void {
  if (Array.from(value ?? "").length > longest)
    throw invalidField(field, `is too long (maximum is ${longest} characters)`);
}

/** The attack: a line break would begin another header. */
function refuseBadHeaderValue(field: string, value: string | null | undefined): void {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value ?? ""))
    throw invalidField(field, "may not hold line breaks or characters that no HTTP header can have");
}

function refuseBadFilter(filter: string | null, strategy: HookFacts["branchFilterStrategy"]): void {
  refuseLong("push_events_branch_filter", filter, LONGEST_TEMPLATE);
  if (filter === null || filter === "" || strategy !== "regex") return;
  const [complaint] = validateRegex(filter);
  if (complaint !== undefined) throw invalidField("push_events_branch_filter", complaint);
}

function refuseBadPairs(
  field: "custom_headers" | "url_variables",
  pairs: readonly HookPairDraft[] | undefined,
  known: readonly string[],
): void {
  if (pairs === undefined) return;
  if (pairs.length > MOST_PAIRS) throw invalidField(field, `has more than ${MOST_PAIRS} entries`);
  for (const pair of pairs) {
    refuseBadPair(field, pair);
    if (pair.value === undefined && !known.includes(pair.key))
      throw invalidField(field, `${pair.key} needs a value`);
  }
}

/** `model-invalid` for a name or a value that no header, or no URL, can have. */
export function refuseBadPair(
  field: "custom_headers" | "url_variables",
  { key, value }: HookPairDraft,
): void {
  if (!isPairKey(key))
    throw invalidField(field, "must be valid key-value pairs: a name begins with a letter");
  if (value === undefined) return;
  if (value === "") throw invalidField(field, `${key} can't be blank`);
  refuseLong(field, value, LONGEST_VALUE);
  if (field === "custom_headers") refuseBadHeaderValue(field, value);
}
