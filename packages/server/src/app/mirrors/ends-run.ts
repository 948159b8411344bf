import { haveHostKeysChanged } from "../../domain/known-hosts.ts";
import type { Mirror } from "../../domain/mirror.ts";

/** What a run holds on to from its beginning to its end. */
type Relation = Pick<
  Mirror,
  | "enabled"
  | "url"
  | "knownHosts"
  | "caCertificates"
  | "clientCertificate"
  | "credential"
  | "authMethod"
  | "username"
  | "hasPassword"
  | "publicKey"
>;

/**
 * Whether a run that began before this change has to end: it speaks to, trusts or shows what is no longer wanted. A
 * password that takes the place of another one cannot be told from it here, and ends none.
 */
export function endsRun(before: Relation, after: Relation): boolean {
  return (
    !after.enabled ||
    before.url !== after.url ||
    haveHostKeysChanged(before.knownHosts, after.knownHosts) ||
    before.caCertificates !== after.caCertificates ||
    before.clientCertificate !== after.clientCertificate ||
    before.credential?.id !== after.credential?.id ||
    before.authMethod !== after.authMethod ||
    before.username !== after.username ||
    before.hasPassword !== after.hasPassword ||
    before.publicKey !== after.publicKey
  );
}
