import { expiryNotice, MOST_NAMED_USES } from "../notices/expiry-notice.ts";
import { namespaceKeepers } from "../notices/namespace-keepers.ts";
import { writeNotices } from "../notices/notice.ts";
import { tellEach } from "../notices/tell-each.ts";
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
  const news = await ports.credentials.listExpiryNews(now);
  const each = {
    tell: (expiring: ExpiringCredential) => tellExpiry(ports, expiring, now),
    fieldsOf: ({ credential }: ExpiringCredential) => ({ credentialId: credential.id }),
  };
  await tellEach(ports, news, each, signal);
}

async function tellExpiry(
  ports: ExpiryPorts,
  { credential, expiresAt, news }: ExpiringCredential,
  now: Date,
): Promise<void> {
  const { id, name, namespace } = credential;
  const people = await namespaceKeepers(ports, namespace);
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
