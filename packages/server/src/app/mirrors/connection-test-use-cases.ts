import type { AuthMethod, ErrorCode, MirrorDirection } from "@heliostat/contract";
import type { ObjectFormat } from "../../domain/oid.ts";
import type { Principal } from "../../domain/user.ts";
import type { PathOrId } from "../path-or-id.ts";

/** Tries what a mirror would do, and changes nothing. `too-many-tests` or `too-many-scans` for who asks too often. */
export interface ConnectionTestUseCases {
  /** A mirror that is not yet saved. A named credential must be the principal's to use. */
  testNewMirror(principal: Principal, project: PathOrId, draft: ConnectionDraft): Promise<ConnectionReport>;
  /** A mirror as it is stored, with its secret. */
  testMirror(principal: Principal, project: PathOrId, mirrorId: number): Promise<ConnectionReport>;
  /** What a named credential can do at a remote. */
  testCredential(
    principal: Principal,
    id: number,
    at: Pick<ConnectionDraft, "url" | "direction" | "knownHosts">,
  ): Promise<ConnectionReport>;
}

export interface ConnectionDraft {
  readonly direction: MirrorDirection;
  /** As given, credentials perhaps inside. */
  readonly url: string;
  readonly username?: string | null;
  readonly password?: string | null;
  readonly credentialId?: number | null;
  readonly authMethod?: AuthMethod;
  /** Lines in known_hosts form. */
  readonly knownHosts?: string;
}

/** What can be done at a remote, and what stands in the way. */
export interface ConnectionReport {
  /** Something answered there. */
  readonly isReachable: boolean;
  readonly canList: boolean;
  readonly refsCount: number | null;
  /** Short name of the branch that HEAD points at. */
  readonly defaultBranch: string | null;
  readonly objectFormat: ObjectFormat | null;
  /** Null: it was not tried, since a pull does not need it or nothing was reached. */
  readonly canPush: boolean | null;
  /** The first thing that stood in the way; null: nothing did. */
  readonly trouble: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly fix: string | null;
  } | null;
  readonly durationMs: number;
  /** What an SSH server showed. */
  readonly hostKeys: readonly { readonly algorithm: string; readonly fingerprint: string }[];
}
