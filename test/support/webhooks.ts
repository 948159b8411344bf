import { createHmac, randomUUID } from "node:crypto";

/** A webhook as one forge sends it, but for the address. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a push did, in the words that all forges share. */
export interface Pushed {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

const ZERO = "0".repeat(40);

export function hmac(algorithm: "sha1" | "sha256", secret: string, text: string): string {
  return createHmac(algorithm, secret).update(text).digest("hex");
}

/** GitHub signs the body byte for byte, as JSON or as a form. */
export function fromGithub(
  event: string,
  body: object,
  secret: string | null,
  { as = "json", sha256 = true }: { readonly as?: "json" | "form"; readonly sha256?: boolean } = {},
): Delivery {
  const json = JSON.stringify(body);
  const text = as === "json" ? json : new URLSearchParams({ payload: json }).toString();
  return {
    headers: {
      Accept: "*/*",
      "User-Agent": "GitHub-Hookshot/044aadd",
      "Content-Type": as === "json" ? "application/json" : "application/x-www-form-urlencoded",
      "X-GitHub-Delivery": randomUUID(),
      "X-GitHub-Event": event,
      "X-GitHub-Hook-ID": "292430182",
      "X-GitHub-Hook-Installation-Target-ID": "79929171",
      "X-GitHub-Hook-Installation-Target-Type": "repository",
      ...(secret === null ? {} : { "X-Hub-Signature": `sha1=${hmac("sha1", secret, text)}` }),
      ...(secret !== null && sha256
        ? { "X-Hub-Signature-256": `sha256=${hmac("sha256", secret, text)}` }
        : {}),
    },
    body: text,
  };
}

export function githubPush({ ref, before, after }: Pushed, pushedAt = 0): object {
  return {
    ref,
    before,
    after,
    repository: {
      id: 186853002,
      name: "up",
      full_name: "octo/up",
      private: false,
      owner: { name: "octo", login: "octo", id: 1 },
      default_branch: "main",
      pushed_at: 1_760_000_000 + pushedAt,
    },
    pusher: { name: "octo", email: "octo@example.com" },
    sender: { login: "octo", id: 1, type: "User" },
    created: before === ZERO,
    deleted: after === ZERO,
    forced: false,
    base_ref: null,
    compare: "https://github.example/octo/up/compare/a...b",
    commits: [{ id: after, message: "More — ünï", distinct: true, added: ["f"], removed: [], modified: [] }],
    head_commit: null,
  };
}

/** GitLab sends the secret itself. */
export function fromGitlab(event: string, body: object, token: string | null): Delivery {
  return {
    headers: {
      "Content-Type": "application/json",
      "User-Agent": "GitLab/19.0.0",
      "Idempotency-Key": randomUUID(),
      "X-Gitlab-Event": event,
      "X-Gitlab-Instance": "https://gitlab.example",
      "X-Gitlab-Webhook-UUID": randomUUID(),
      "X-Gitlab-Event-UUID": randomUUID(),
      ...(token === null ? {} : { "X-Gitlab-Token": token }),
    },
    body: JSON.stringify(body),
  };
}

export function gitlabPush({ ref, before, after }: Pushed): object {
  return {
    object_kind: ref.startsWith("refs/tags/") ? "tag_push" : "push",
    event_name: ref.startsWith("refs/tags/") ? "tag_push" : "push",
    before,
    after,
    ref,
    ref_protected: true,
    checkout_sha: after === ZERO ? null : after,
    message: null,
    user_id: 4,
    user_username: "octo",
    project_id: 15,
    project: { id: 15, name: "up", path_with_namespace: "octo/up", default_branch: "main" },
    commits: [],
    total_commits_count: 0,
  };
}

/** Gitea, Forgejo and Gogs sign the JSON, also where they put it into a form, and send several headers at once. */
export function fromGitea(
  event: string,
  body: object,
  secret: string | null,
  {
    kin = "gitea",
    as = "json",
  }: { readonly kin?: "gitea" | "forgejo" | "gogs"; readonly as?: "json" | "form" } = {},
): Delivery {
  const json = JSON.stringify(body, null, 2);
  const signature = secret === null ? "" : hmac("sha256", secret, json);
  const id = randomUUID();
  const gitea = {
    "X-Gitea-Delivery": id,
    "X-Gitea-Event": event,
    "X-Gitea-Event-Type": event,
    "X-Gitea-Signature": signature,
    "X-GitHub-Delivery": id,
    "X-GitHub-Event": event,
    "X-GitHub-Event-Type": event,
    "X-Hub-Signature": `sha1=${secret === null ? "" : hmac("sha1", secret, json)}`,
    "X-Hub-Signature-256": `sha256=${signature}`,
  };
  return {
    headers: {
      "Content-Type": as === "json" ? "application/json" : "application/x-www-form-urlencoded",
      "X-Gogs-Delivery": id,
      "X-Gogs-Event": event,
      "X-Gogs-Signature": signature,
      ...(kin === "gogs" ? {} : gitea),
      ...(kin === "forgejo"
        ? { "X-Forgejo-Delivery": id, "X-Forgejo-Event": event, "X-Forgejo-Signature": signature }
        : {}),
    },
    body: as === "json" ? json : new URLSearchParams({ payload: json }).toString(),
  };
}

export function giteaPush({ ref, before, after }: Pushed, updatedAt = "2026-01-02T03:04:05Z"): object {
  return {
    ref,
    before,
    after,
    compare_url: "https://gitea.example/octo/up/compare/a...b",
    commits: [{ id: after, message: "More\n", timestamp: "2026-01-02T03:04:05Z" }],
    total_commits: 1,
    head_commit: { id: after },
    repository: { id: 1, name: "up", full_name: "octo/up", default_branch: "main", updated_at: updatedAt },
    pusher: { id: 1, login: "octo" },
    sender: { id: 1, login: "octo" },
  };
}

export function fromBitbucket(event: string, body: object, secret: string | null): Delivery {
  const text = JSON.stringify(body);
  return {
    headers: {
      "Content-Type": "application/json",
      "User-Agent": "Bitbucket-Webhooks/2.0",
      "X-Event-Key": event,
      "X-Hook-UUID": `{${randomUUID()}}`,
      "X-Request-UUID": randomUUID(),
      "X-Attempt-Number": "1",
      ...(secret === null ? {} : { "X-Hub-Signature": `sha256=${hmac("sha256", secret, text)}` }),
    },
    body: text,
  };
}

export function bitbucketPush(...pushed: readonly Pushed[]): object {
  const end = (ref: string, oid: string) =>
    oid === ZERO
      ? null
      : {
          type: ref.startsWith("refs/tags/") ? "tag" : "branch",
          name: ref.replace(/^refs\/(?:heads|tags)\//, ""),
          target: { type: "commit", hash: oid },
        };
  return {
    push: {
      changes: pushed.map(({ ref, before, after }) => ({
        old: end(ref, before),
        new: end(ref, after),
        created: before === ZERO,
        closed: after === ZERO,
        forced: false,
        truncated: false,
        commits: [],
      })),
    },
    actor: { type: "user", display_name: "octo" },
    repository: { type: "repository", full_name: "octo/up", name: "up" },
  };
}
