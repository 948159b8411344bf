import { EXPIRES_SOON_MS } from "../../domain/credential.ts";
import { fullPathOf } from "../../domain/project.ts";
import type { AccessToken, User } from "../../domain/user.ts";
import { namespaceKeepers } from "../notices/namespace-keepers.ts";
import { type Notice, writeNotices } from "../notices/notice.ts";
import { projectManagers } from "../notices/project-managers.ts";
import { tellEach } from "../notices/tell-each.ts";
import type { MailOutbox, Ports } from "../ports.ts";

export type TokenExpiryPorts = Pick<
  Ports,
  "clock" | "instance" | "log" | "members" | "namespaces" | "projects" | "settings" | "tokens" | "users"
> & {
  readonly mails: MailOutbox;
};

/** Who is told, and whose the token is, in words that fit into a sentence. */
interface Audience {
  readonly people: readonly User[];
  readonly owner: string;
  readonly reason: string;
}

/**
 * Tells by mail of the access tokens that expire within a week, once each: the user whose it is, the maintainers and
 * owners of a project, or the owners of a group. Nothing goes out in Silent Mode, nor of a token that has expired by its
 * end. Stops when the signal fires.
 */
export async function tellTokenExpiries(ports: TokenExpiryPorts, signal: AbortSignal): Promise<void> {
  if ((await ports.settings.read()).silentModeEnabled) return;
  const now = ports.clock.now();
  const tokens = await ports.tokens.listExpiring(now, new Date(now.getTime() + EXPIRES_SOON_MS));
  const each = {
    tell: (token: AccessToken) => tellTokenExpiry(ports, token, now),
    fieldsOf: ({ id }: AccessToken) => ({ tokenId: id }),
  };
  await tellEach(ports, tokens, each, signal);
}

async function tellTokenExpiry(ports: TokenExpiryPorts, token: AccessToken, now: Date): Promise<void> {
  const audience = await audienceOf(ports, token);
  if (audience === null) return;
  const { people, owner, reason } = audience;
  const topic = {
    name: token.name,
    link: ports.instance.externalUrl,
    footer: `You get this mail because ${reason}.`,
  };
  const written = writeNotices(topic, people, noticeOf(token, owner));
  if (await ports.mails.tellTokenExpiry(token.id, written, now)) {
    ports.log.info({ tokenId: token.id, mails: written.length }, "the expiry of an access token was told");
  }
}

/** Null: what the token is of is gone by now, and with it the token. */
async function audienceOf(ports: TokenExpiryPorts, token: AccessToken): Promise<Audience | null> {
  if (token.projectId !== null) {
    const project = await ports.projects.find(token.projectId);
    if (project === null) return null;
    const path = fullPathOf(project);
    const people = await projectManagers(ports, project);
    return { people, owner: `of the project ${path}`, reason: `you look after ${path}` };
  }
  if (token.namespaceId !== null) {
    const namespace = await ports.namespaces.find(token.namespaceId);
    if (namespace === null) return null;
    const { fullPath } = namespace;
    const people = await namespaceKeepers(ports, namespace);
    return { people, owner: `of the group ${fullPath}`, reason: `you look after ${fullPath}` };
  }
  const user = await ports.users.find(token.userId);
  return user === null
    ? null
    : { people: [user], owner: `of ${user.username}`, reason: "the token is yours" };
}

function noticeOf({ name, scopes, expiresAt, lastUsedAt }: AccessToken, owner: string): Notice {
  const dayOf = (moment: Date | null): string => moment?.toISOString().slice(0, 10) ?? "never";
  return {
    subject: "Access token expires within a week",
    blocks: [
      { kind: "paragraph", text: `The access token “${name}” ${owner} expires within a week.` },
      {
        kind: "facts",
        rows: [
          ["First day without it", dayOf(expiresAt)],
          ["Scopes", scopes.join(", ")],
          ["Last used", dayOf(lastUsedAt)],
        ],
      },
      {
        kind: "paragraph",
        text:
          "What to do: if something still uses it, rotate it, or make another one, and give the new secret to what uses " +
          "it. If nothing does, revoke it, or let it end.",
      },
    ],
  };
}
