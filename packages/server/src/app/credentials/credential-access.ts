import type { Credential } from "../../domain/credential.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { mayIn, type NamespaceAction } from "../../domain/policy.ts";
import type { Namespace } from "../../domain/project.ts";
import type { Principal } from "../../domain/user.ts";
import { requireSignedIn } from "../access.ts";
import type { Ports } from "../ports.ts";

/** The credential, if it is the principal's to do this with; else `not-found`, so that its existence is not told. */
export async function findCredentialFor(
  ports: Pick<Ports, "credentials">,
  principal: Principal,
  id: number,
  action: Extract<NamespaceAction, `${string}-credential`>,
): Promise<Credential> {
  requireSignedIn(principal);
  const credential = await ports.credentials.find(id);
  if (!credential || !mayIn(principal, action, credential.namespace)) {
    throw new HeliostatError("not-found", "Not found");
  }
  return credential;
}

/** The namespace that a new credential is for: the principal's own, or one whose credentials are theirs. */
export async function findCredentialNamespace(
  ports: Pick<Ports, "namespaces">,
  principal: Principal,
  id: number | undefined,
): Promise<Namespace> {
  const { user } = requireSignedIn(principal);
  const namespace =
    id === undefined ? await ports.namespaces.findByFullPath(user.username) : await ports.namespaces.find(id);
  if (!namespace || !mayIn(principal, "admin-credential", namespace)) {
    throw new HeliostatError("not-found", "Namespace Not Found");
  }
  return namespace;
}
