import type { MemberStore, NamespaceStore, PasswordHasher, TokenStore, UserStore } from "./ports/accounts.ts";
import type { AuditStore } from "./ports/audit.ts";
import type { Browsing } from "./ports/browsing.ts";
import type { CredentialStore } from "./ports/credentials.ts";
import type { IdentityProvider, IdentityStore, Seals } from "./ports/identities.ts";
import type { Background, Clock, Instance, InstanceSettingsStore, Log } from "./ports/instance.ts";
import type { KeyPairs } from "./ports/key-pairs.ts";
import type { MailOutbox } from "./ports/mail.ts";
import type { MirrorAttention } from "./ports/mirror-attention.ts";
import type { HostStore, MirrorStore } from "./ports/mirrors.ts";
import type { EventStore, ProjectStore, ProtectedBranchStore, ProtectedTagStore } from "./ports/projects.ts";
import type { Remotes } from "./ports/remotes.ts";
import type { Repositories } from "./ports/repositories.ts";
import type { SecondFactorStore } from "./ports/second-factors.ts";
import type { SealedSecretStore, SecretKeys } from "./ports/secrets.ts";
import type { SessionStore } from "./ports/sessions.ts";
import type { SignInFailureStore } from "./ports/sign-in-failures.ts";
import type { OwnHostKeys, SshKeyStore } from "./ports/ssh-keys.ts";
import type { TriggerTokenStore } from "./ports/trigger-tokens.ts";
import type { Housekeeping, ProgressBoard, UpdateQueue } from "./ports/work.ts";

export type * from "./ports/accounts.ts";
export type * from "./ports/audit.ts";
export type * from "./ports/browsing.ts";
export type * from "./ports/credentials.ts";
export type * from "./ports/identities.ts";
export type * from "./ports/instance.ts";
export type * from "./ports/key-pairs.ts";
export type * from "./ports/mail.ts";
export type * from "./ports/mirror-attention.ts";
export type * from "./ports/mirrors.ts";
export type * from "./ports/projects.ts";
export type * from "./ports/pushes.ts";
export type * from "./ports/remotes.ts";
export type * from "./ports/repositories.ts";
export type * from "./ports/second-factors.ts";
export type * from "./ports/secrets.ts";
export type * from "./ports/sessions.ts";
export type * from "./ports/sign-in-failures.ts";
export type * from "./ports/ssh-keys.ts";
export type * from "./ports/transfers.ts";
export type * from "./ports/trigger-tokens.ts";
export type * from "./ports/work.ts";

/** What the use cases need of the world. `compose/` gives them the adapters; tests of use cases give real ones too. */
export interface Ports {
  readonly instance: Instance;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: InstanceSettingsStore;
  readonly users: UserStore;
  readonly members: MemberStore;
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  readonly sshKeys: SshKeyStore;
  readonly ownHostKeys: OwnHostKeys;
  readonly triggerTokens: TriggerTokenStore;
  readonly signInFailures: SignInFailureStore;
  readonly secondFactors: SecondFactorStore;
  readonly identities: IdentityStore;
  /** Null: people sign in by password only. */
  readonly identityProvider: IdentityProvider | null;
  readonly seals: Seals;
  readonly namespaces: NamespaceStore;
  readonly projects: ProjectStore;
  readonly protectedBranches: ProtectedBranchStore;
  readonly protectedTags: ProtectedTagStore;
  readonly mirrors: MirrorStore;
  readonly attention: MirrorAttention;
  readonly credentials: CredentialStore;
  readonly keyPairs: KeyPairs;
  readonly hosts: HostStore;
  readonly secretKeys: SecretKeys;
  readonly sealedSecrets: SealedSecretStore;
  readonly events: EventStore;
  readonly audit: AuditStore;
  /** Null: there is no mail server, and nobody is told anything by mail. */
  readonly mails: MailOutbox | null;
  readonly repositories: Repositories;
  readonly browsing: Browsing;
  readonly remotes: Remotes;
  readonly queue: UpdateQueue;
  readonly housekeeping: Housekeeping;
  readonly background: Background;
  readonly progress: ProgressBoard;
  readonly passwords: PasswordHasher;
  /** So many random bytes, of which nobody can guess any. */
  readonly randomBytes: (size: number) => Buffer;
}
