import type { BranchFilterStrategy, FiredHookEvent, HookEvent } from "@heliostat/contract";
import type { TargetHealth } from "./delivery.ts";
import { assertNever, HeliostatError } from "./errors.ts";
import { compileNamePattern } from "./name-pattern.ts";
import { compileRegex } from "./re2-regex.ts";
import { parseRemoteUrl } from "./remote-url.ts";

/** A webhook of a project. Its secrets are not in here: only that they are there, and by which keys they were sealed. */
export interface Hook {
  readonly id: number;
  readonly projectId: number;
  /** With `{name}` where a URL variable is put in. */
  readonly url: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly verifiesCertificate: boolean;
  readonly events: readonly HookEvent[];
  /** For pushes to branches; null or empty: all of them. */
  readonly branchFilter: string | null;
  readonly branchFilterStrategy: BranchFilterStrategy;
  /** JSON with `{{path.to.field}}` where something of the event is put in; null: the event as it is. */
  readonly template: string | null;
  /** Names only. */
  readonly urlVariables: readonly string[];
  readonly customHeaders: readonly string[];
  readonly hasToken: boolean;
  readonly hasSigningToken: boolean;
  readonly secretKeyIds: readonly string[];
  readonly health: TargetHealth;
  readonly createdAt: Date;
}

/** What a hook shows its receiver. */
export interface HookSecrets {
  readonly token: string | null;
  readonly signingToken: string | null;
  readonly headers: ReadonlyMap<string, string>;
  readonly urlVariables: ReadonlyMap<string, string>;
}

/** GitLab's word for an event where it is in deliveries and test routes. */
export function deliveryEventOf(event: FiredHookEvent): string {
  return event.replace(/_events$/, "_hooks");
}

/** What the header `X-Gitlab-Event` says: `Tag Push Hook`. */
export function eventHeaderOf(deliveryEvent: string): string {
  return deliveryEvent
    .replace(/_hooks$/, "_hook")
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
}

/** Whether the hook is told of pushes to this branch, by its short name. */
export function takesBranch(
  { branchFilter, branchFilterStrategy }: Pick<Hook, "branchFilter" | "branchFilterStrategy">,
  branch: string,
): boolean {
  if (branchFilter === null || branchFilter.trim() === "") return true;
  switch (branchFilterStrategy) {
    case "all_branches":
      return true;
    case "wildcard":
      return compileNamePattern(branchFilter)(branch);
    case "regex":
      return compileRegex(branchFilter).test(branch);
    default:
      return assertNever(branchFilterStrategy);
  }
}

const VARIABLE = /\{([A-Za-z][A-Za-z0-9._-]*)\}/g;

/** GitLab's rule for names of URL variables and of custom headers. */
export function isPairKey(key: string): boolean {
  return key.length <= 255 && /^[A-Za-z]+[0-9]*(?:[._-][A-Za-z0-9]+)*$/.test(key);
}

/** The names in the URL that are to be replaced, each once. */
export function variablesIn(url: string): readonly string[] {
  return [...new Set([...url.matchAll(VARIABLE)].map(([, name = ""]) => name))];
}

/** The URL with the values of its variables; a name that has none stays as it is. */
export function interpolateUrl(url: string, values: ReadonlyMap<string, string>): string {
  return url.replaceAll(VARIABLE, (whole, name: string) => values.get(name) ?? whole);
}

/** The part of a URL between `//` and `@`, which is a secret: hooks keep it as a URL variable of this name. */
export const USERINFO_VARIABLE = "userinfo";

/** Takes user name and password out of a URL: `{userinfo}` stands in their place. */
export function hideUserinfo(url: string): { readonly url: string; readonly userinfo: string | null } {
  const [, scheme = "", userinfo, rest = ""] = /^([a-z]+:\/\/)([^/?#]*)@(.*)$/is.exec(url) ?? [];
  if (userinfo === undefined || userinfo === `{${USERINFO_VARIABLE}}` || userinfo === "")
    return { url, userinfo: null };
  return { url: `${scheme}{${USERINFO_VARIABLE}}@${rest}`, userinfo };
}

/** Where a hook's request goes. */
export interface HookDestination {
  /** Without user name and password. */
  readonly url: string;
  /** For Basic authentication; null: the URL names nobody. */
  readonly userinfo: { readonly username: string; readonly password: string } | null;
}

/** Reads a URL with its variables put in; `url-invalid` and `url-blocked` with GitLab's reasons. */
export function parseHookUrl(text: string): HookDestination {
  const [, front = "", query = ""] = /^([^?#]*)(\?[^#]*)?$/s.exec(text) ?? [];
  if (front === "" || /[\s\\\p{Cc}]/u.test(query)) throw new HeliostatError("url-invalid", "URI is invalid");
  const { url, username, password, hadUserinfo } = parseRemoteUrl(front);
  if (!/^https?:/.test(url)) throw new HeliostatError("url-blocked", "Only allowed schemes are http, https");
  const whole = `${url}${query}`;
  if (!URL.canParse(whole)) throw new HeliostatError("url-invalid", "URI is invalid");
  return {
    url: whole,
    userinfo: hadUserinfo ? { username: username ?? "", password: password ?? "" } : null,
  };
}

const FIELD = /\{\{\s*([^{}]+?)\s*\}\}/g;

/**
 * Puts fields of an event into a template, by their paths (`project.name`, `commits.0.id`): a text without its quotes,
 * anything else as JSON, nothing where there is no such field. `parameter-invalid` when no JSON comes of it.
 */
export function renderTemplate(template: string, event: unknown): string {
  const rendered = template.replaceAll(FIELD, (_whole, path: string) => {
    const value = path
      .split(".")
      .reduce<unknown>((at, name) => (isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined), event);
    if (value === undefined) return "";
    const json = JSON.stringify(value);
    return typeof value === "string" ? json.slice(1, -1) : json;
  });
  try {
    JSON.parse(rendered);
  } catch (error) {
    throw new HeliostatError(
      "parameter-invalid",
      "The custom webhook template gives no valid JSON for this event. Change the template.",
      { cause: error },
    );
  }
  return rendered;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
