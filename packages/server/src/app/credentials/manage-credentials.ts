import { changedValues } from "../../domain/changed-values.ts";
import { type Credential, expiryNews } from "../../domain/credential.ts";
import { invalidField } from "../../domain/errors.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn, requireViewer } from "../access.ts";
import { auditedNamespace } from "../audit/entities.ts";
import { refuseLongCredential } from "../mirrors/check-credential.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { findCredentialFor, findCredentialNamespace } from "./credential-access.ts";
import type { CredentialUseCases, CredentialView } from "./credential-use-cases.ts";
import { readSecretDraft } from "./read-secret-draft.ts";

const LONGEST_NAME = 255;

/** What the owners of named credentials may do with them. */
export function credentialUseCases(ports: Ports): CredentialUseCases {
  function view(credential: Credential): CredentialView {
    const news = expiryNews(credential.expiresAt, ports.clock.now());
    return {
      credential,
      isExpired: news === "expired",
      expiresSoon: news === "week" || news === "day",
      needsSecret: credential.secretKeyIds.some((id) => !ports.secretKeys.isKnown(id)),
    };
  }

  async function audit(
    principal: Principal,
    action: string,
    { id, name, kind, namespace }: Credential,
    details: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await recordAudit(ports, principal, {
      action,
      entity: auditedNamespace(namespace),
      target: { type: "Credential", id, details: name },
      details: { kind, ...details },
    });
  }

  return {
    async listCredentials(principal, { search, namespaceId }, page) {
      const { items, total } = await ports.credentials.list(
        { visibleTo: requireViewer(principal), search, namespaceId },
        page,
      );
      return { items: items.map(view), total };
    },
    async findCredential(principal, id) {
      return view(await findCredentialFor(ports, principal, id, "read-credential"));
    },
    async createCredential(principal, draft) {
      const { user } = requireSignedIn(principal);
      const namespace = await findCredentialNamespace(ports, principal, draft.namespaceId);
      const { name, kind, username = null, expiresAt = null } = draft;
      refuseBadFacts({ name, username });
      const secret = await readSecretDraft(ports, kind, draft, name);
      const credential = await ports.credentials.create({
        ...{ namespaceId: namespace.id, name, kind, username: username || null },
        ...{ secret, expiresAt, createdBy: user.id },
      });
      await audit(principal, "credential-created", credential, { expires_at: expiresAt });
      ports.log.info({ credentialId: credential.id, username: user.username }, "credential made");
      return view(credential);
    },
    async updateCredential(principal, id, changes) {
      const { user } = requireSignedIn(principal);
      const old = await findCredentialFor(ports, principal, id, "admin-credential");
      refuseBadFacts(changes);
      const { username } = changes;
      const now = ports.clock.now();
      const credential = await ports.credentials.update(id, {
        ...{ ...changes, now, userId: user.id },
        ...(username === undefined ? {} : { username: username || null }),
      });
      await audit(principal, "credential-changed", credential, { changes: changesBetween(old, credential) });
      // Another user name: its mirrors are to try it.
      if (username !== undefined) ports.queue.wakeAt(now);
      return view(credential);
    },
    async removeCredential(principal, id) {
      const old = await findCredentialFor(ports, principal, id, "admin-credential");
      await ports.credentials.remove(id);
      await audit(principal, "credential-removed", old);
      const { user } = requireSignedIn(principal);
      ports.log.info({ credentialId: id, username: user.username }, "credential removed");
    },
    async rotateCredential(principal, id, { username, expiresAt = null, ...draft }) {
      const { user } = requireSignedIn(principal);
      const old = await findCredentialFor(ports, principal, id, "admin-credential");
      const { kind, name } = old;
      refuseBadFacts({ username });
      const secret = await readSecretDraft(ports, kind, draft, name);
      const now = ports.clock.now();
      const mirrors = await ports.credentials.rotate(id, {
        ...{ secret, expiresAt, now, userId: user.id },
        // A pair that is made here is one that no host has heard of. Where the old one is lost nothing works anyway, and
        // the mirrors are to say what they wait for.
        startsUpdates: kind === "password" || Boolean(draft.privateKey) || view(old).needsSecret,
        ...(username === undefined ? {} : { username: username || null }),
      });
      await audit(principal, "credential-rotated", old, { mirrors, expires_at: expiresAt });
      ports.queue.wakeAt(now);
      ports.log.info({ credentialId: id, username: user.username, mirrors }, "credential rotated");
      return view(await findCredentialFor(ports, principal, id, "admin-credential"));
    },
    async listCredentialUses(principal, id, page) {
      await findCredentialFor(ports, principal, id, "read-credential");
      return await ports.credentials.listUses(id, page);
    },
  };
}

/** A user name may be a token: that it is another one is all that is told of it. */
function changesBetween(old: Credential, now: Credential): object {
  const facts = ({ name, expiresAt }: Credential) => ({ name, expiresAt });
  const hasOtherName = old.username !== now.username;
  return { ...changedValues(facts(old), facts(now)), ...(hasOtherName ? { username: {} } : {}) };
}

function refuseBadFacts({
  name,
  username,
}: {
  readonly name?: string | undefined;
  readonly username?: string | null | undefined;
}): void {
  refuseLongCredential({ username });
  if (name === undefined) return;
  const complaint =
    name.trim() === ""
      ? "can't be blank"
      : /\p{Cc}/u.test(name)
        ? "may not hold control characters"
        : name.length > LONGEST_NAME
          ? `is too long (maximum is ${LONGEST_NAME} characters)`
          : null;
  if (complaint === null) return;
  throw invalidField("name", complaint);
}
