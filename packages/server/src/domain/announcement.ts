import { isRefName, type RefName } from "./ref-name.ts";

/**
 * What a webhook tells a mirror. `test`: that webhooks arrive; `talk`: of something by which no ref moves; `change`: refs
 * moved, and all of them are named, unless `refs` is null.
 */
export type Announcement =
  | { readonly kind: "test" }
  | { readonly kind: "talk" }
  | { readonly kind: "change"; readonly refs: readonly RefName[] | null };

/**
 * Events of GitHub, GitLab, Gitea, Forgejo, Gogs and Bitbucket that are about people, texts and pipelines. Any other
 * counts as a change: one update too many does no harm, one too few does.
 */
const TALK = new RegExp(
  "^(?:" +
    [
      // GitHub, Gitea, Forgejo, Gogs
      "issues?(?:_.*)?|sub_issues|discussion(?:_comment)?|commit_comment|pull_request_(?:review.*|comment|assign|label)",
      "star|watch|fork|gollum|wiki|label|milestone|project(?:_.*|s_v2.*)?|member(?:ship)?|team(?:_.*)?|organization|sponsorship",
      "check_run|check_suite|status|workflow_.*|deployment.*|page_build|code_scanning_alert|dependabot_alert|secret_scanning_.*",
      // GitLab
      "(?:confidential )?(?:note|issue) hook|wiki page hook|emoji hook|pipeline hook|job hook|build hook|deployment hook",
      "member hook|feature flag hook|milestone hook|vulnerability hook",
      // Bitbucket
      "repo:(?:fork|commit_comment_.*|commit_status_.*|comment:.*)|issue:.*|pr:comment:.*|pr:reviewer:.*",
      "pullrequest:(?:comment_.*|approved|unapproved|changes_request_.*)",
    ].join("|") +
    ")$",
  "i",
);

/** Reads what a webhook with this event (in its forge's own word; null: it names none) and this body tells. */
export function readAnnouncement(event: string | null, body: unknown): Announcement {
  if (event !== null && /^(?:ping|diagnostics:ping)$/i.test(event)) return { kind: "test" };
  if (event !== null && TALK.test(event)) return { kind: "talk" };
  // Gitea and its kin make up a push for a test: from a commit to the same one.
  const [before, after] = [field(body, "before"), field(body, "after")];
  if (typeof before === "string" && before !== "" && before === after) return { kind: "test" };
  return { kind: "change", refs: readRefs(body) };
}

/** The refs that moved; null when there are none, or one of them cannot be read. */
function readRefs(body: unknown): readonly RefName[] | null {
  const named = namesOf(body).map((name) => (name !== null && isRefName(name) ? name : null));
  const refs = named.flatMap((ref) => ref ?? []);
  return refs.length > 0 && refs.length === named.length ? [...new Set(refs)] : null;
}

function namesOf(body: unknown): readonly (string | null)[] {
  const ofBitbucket = field(field(body, "push"), "changes");
  if (Array.isArray(ofBitbucket)) return ofBitbucket.flatMap(endsOfChange);
  // Bitbucket's own servers, and GitLab's system hooks.
  const changes = field(body, "changes");
  if (Array.isArray(changes)) {
    return changes.map((change) => textOf(field(change, "refId") ?? field(change, "ref")));
  }
  const ref = textOf(field(body, "ref"));
  return [ref === null || ref.startsWith("refs/") ? ref : fullName(field(body, "ref_type"), ref)];
}

/** A renamed branch is another one before and after. */
function endsOfChange(change: unknown): readonly (string | null)[] {
  const ends = [field(change, "old"), field(change, "new")].filter(
    (end) => end !== null && end !== undefined,
  );
  if (ends.length === 0) return [null];
  return ends.map((end) => {
    const name = textOf(field(end, "name"));
    return name === null ? null : fullName(field(end, "type"), name);
  });
}

function fullName(type: unknown, name: string): string | null {
  if (type === "branch") return `refs/heads/${name}`;
  return type === "tag" ? `refs/tags/${name}` : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
