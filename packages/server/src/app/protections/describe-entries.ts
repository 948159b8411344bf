import type { Grantee } from "../../domain/protections.ts";

/** Entries for the audit log: `40`, `user 7`, `group 3`, `deploy-key 2`. */
export function describeGrantees(entries: readonly { readonly grantee: Grantee }[]): readonly string[] {
  return entries.map(({ grantee }) =>
    grantee.kind === "role" ? String(grantee.level) : `${grantee.kind} ${grantee.id}`,
  );
}
