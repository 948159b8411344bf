import { ACCESS_LEVELS } from "../../domain/policy.ts";
import type { Namespace } from "../../domain/project.ts";
import type { User } from "../../domain/user.ts";
import { expiryNotice, MOST_NAMED_USES } from "../notices/expiry-notice.ts";
import { writeNotices } from "../notices/notice.ts";
import type { ExpiringCredential, MailOutbox, Ports } from "../ports.ts";

export type ExpiryPorts = Pick<
  Ports,
  "clock" | "credentials" | "instance" | "log" | "members" | "settings" | "users"
> & {
  readonly mails: MailOutbox;
};

/**
 * Tells by mail of the credentials that expire within a week, then of those that do within a day, and that one has
 * expired: once each, to the user whose it is, or to the admins where it is a group's. What was missed, because the
 * server was down or Silent Mode on, is not made up for but by the last of the three. Stops when the signal fires.
 */
export async function tellExpiries(ports: ExpiryPorts, signal: AbortSignal): Promise<void> {
  if ((await ports.settings.read()).silentModeEnabled) return;
  const now = ports.clock.now();
  for (const { credential, expiresAt, news } of await ports.credentials.listExpiryNews(now)) {
    if (signal.aborted) return;
    try {
      await tellExpiry(ports, { credential, expiresAt, news }, now);
    } catch (error) {
      // The others are to be told of all the same; this one is tried again the next time.
      const credentialId = credential.id;
      ports.log.warn({ credentialId, err: error }, "the expiry of a credential could not be told");
    }
  }
}

async function tellExpiry(
  ports: ExpiryPorts,
  { credential, expiresAt, news }: ExpiringCredential,
  now: Date,
): Promise<void> {
  const { id, name, namespace } = credential;
  const people = await ownersOf(ports, namespace);
  const { items } = await ports.credentials.listUses(id, { page: 1, perPage: MOST_NAMED_USES });
  const topic = {
    name,
    link: ports.instance.externalUrl,
    footer: `You get this mail because you look after the credentials of ${namespace.fullPath}.`,
  };
  const written = writeNotices(topic, people, expiryNotice(credential, { expiresAt, news }, items));
  if (await ports.mails.tellExpiry({ credentialId: id, expiresAt, news }, written, now))
    ports.log.info({ credentialId: id, news, mails: written.length }, "the expiry of a credential was told");
}

/** Where there is none who can act, the active admins: somebody must hear of it. */
async function ownersOf(
  ports: Pick<Ports, "members" | "users">,
  namespace: Namespace,
): Promise<readonly User[]> {
  if (namespace.kind === "group") {
    const owners = await ports.members.listPeople({ projectId: null, namespace }, ACCESS_LEVELS.owner);
    return owners.length > 0 ? owners : await ports.users.listActiveAdmins();
  }
  const user = namespace.ownerId === null ? null : await ports.users.find(namespace.ownerId);
  return user?.state === "active" ? [user] : await ports.users.listActiveAdmins();
}
