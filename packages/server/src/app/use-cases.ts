import type { Readable, Writable } from "node:stream";
import type {
  AttentionReason,
  AuthMethod,
  MirrorDirection,
  PushesToMirroredBranches,
  SecretKind,
  SshKeyType,
  Visibility,
} from "@heliostat/contract";
import type { judgeHook } from "../domain/hook-state.ts";
import type { ProjectLimits } from "../domain/incoming-limits.ts";
import type { HostKeyFingerprint } from "../domain/known-hosts.ts";
import type { ListedUpdate, Mirror, MirrorOptions, MirrorUpdate, UpdateState } from "../domain/mirror.ts";
import type { Roles } from "../domain/policy.ts";
import type { Namespace, Project } from "../domain/project.ts";
import type { Origin, Principal, User } from "../domain/user.ts";
import type { UserChanges, UserQuery } from "./accounts/user-changes.ts";
import type { ApiThrottleUseCases } from "./api-throttle/api-throttle-use-cases.ts";
import type { AuditUseCases } from "./audit/audit-use-cases.ts";
import type { BrowsingUseCases } from "./browsing/browsing-use-cases.ts";
import type { CredentialUseCases } from "./credentials/credential-use-cases.ts";
import type { ConversationProgram, GitExchange, GitService } from "./git-exchange.ts";
import type { GroupUseCases } from "./groups/group-use-cases.ts";
import type { HookUseCases } from "./hooks/hook-use-cases.ts";
import type { MemberUseCases } from "./members/member-use-cases.ts";
import type { Metric } from "./metric.ts";
import type { HeardHook, MirrorHookUseCases } from "./mirror-hooks/mirror-hook-use-cases.ts";
import type { Webhook } from "./mirror-hooks/webhook.ts";
import type { ConnectionTestUseCases } from "./mirrors/connection-test-use-cases.ts";
import type { MirrorInsightUseCases } from "./mirrors/mirror-insight-use-cases.ts";
import type { MirrorStart } from "./mirrors/mirror-start.ts";
import type { OpenIdConnectUseCases } from "./openid-connect/openid-connect-use-cases.ts";
import type { PathOrId } from "./path-or-id.ts";
import type { PipelineUseCases } from "./pipelines/pipeline-use-cases.ts";
import type {
  AuthoredEvent,
  EventFilter,
  FailingHost,
  InstanceSettings,
  MirrorOfProject,
  Page,
  Paged,
  Part,
  StoredProjectFilter,
  UnreadableSecret,
  Window,
} from "./ports.ts";
import type { ProtectionUseCases } from "./protections/protection-use-cases.ts";
import type { SecondFactorUseCases } from "./second-factor/second-factor-use-cases.ts";
import type { PasswordUseCases } from "./sign-in/password-use-cases.ts";
import type { SessionUseCases } from "./sign-in/session-use-cases.ts";
import type { SignInUseCases } from "./sign-in/sign-in-use-cases.ts";
import type { SshKeyUseCases } from "./ssh-keys/ssh-key-use-cases.ts";
import type { TokenUseCases } from "./tokens/token-use-cases.ts";
import type { TriggerTokenUseCases } from "./tokens/trigger-token-use-cases.ts";

/**
 * What the doors may ask for. Every method that acts for somebody takes that somebody first and
 * decides itself whether they may; it throws `HeliostatError`, and these codes mean the same everywhere:
 *
 * - `unauthenticated`: nobody is signed in and this needs somebody;
 * - `not-found`: there is none, or the principal may not see it. The message is GitLab's words without the number:
 *   `Project Not Found`, `Group Not Found`, `User Not Found`, `Not found` for a mirror or a token;
 * - `forbidden`: visible, but not theirs to do. The message is the reason, or `Forbidden` when there is none to give;
 * - `parameter-invalid`: the message names the parameter as the API spells it;
 * - `model-invalid`: `fields` in GitLab's words and field names, or no fields and a sentence as message;
 * - `url-blocked`, `url-invalid`: the reason (`Only allowed schemes are …`) as message; the door adds `is blocked: `
 *   and the name of the parameter that held the URL;
 * - `conflict`: there is one already.
 */
export interface UseCases
  extends CredentialUseCases,
    HookUseCases,
    ConnectionTestUseCases,
    MirrorInsightUseCases,
    SignInUseCases,
    SessionUseCases,
    PasswordUseCases,
    TokenUseCases,
    TriggerTokenUseCases,
    MirrorHookUseCases,
    PipelineUseCases,
    SshKeyUseCases,
    ApiThrottleUseCases,
    AuditUseCases,
    ProtectionUseCases,
    GroupUseCases,
    MemberUseCases,
    BrowsingUseCases,
    SecondFactorUseCases,
    OpenIdConnectUseCases {
  // --- who asks ------------------------------------------------------------------------------------------------

  /**
   * The owner of this secret; null when it is unknown. `token-invalid` when it is revoked or has expired,
   * `account-blocked` when its user is blocked. `rotates`: it is to be rotated; where that was done before, somebody has a copy, and all that came
   * of it is revoked.
   */
  authenticateToken(
    secret: string,
    from: Origin,
    options?: { readonly rotates: boolean },
  ): Promise<SignedIn | null>;
  /**
   * Git's Basic credentials: a token in either half, or user name and account password. Null when none of it fits;
   * `token-invalid` and `account-blocked` as above.
   */
  authenticateGit(
    given: { readonly username: string; readonly password: string },
    from: Origin,
  ): Promise<SignedIn | null>;
  /** `Sudo`: the principal as this user, by name or id. Only for admins who act as one (`admin_mode`), with the scope `sudo`; `not-found` for no such user. */
  actAs(principal: SignedIn, whom: string): Promise<SignedIn>;

  // --- the instance --------------------------------------------------------------------------------------------

  readVersion(): VersionInfo;
  /** Never throws: what does not work is in the answer. */
  checkReadiness(): Promise<Readiness>;
  /** For everybody: how many of what is there, and never which. */
  readMetrics(): Promise<readonly Metric[]>;
  readSettings(principal: Principal): Promise<InstanceSettings>;
  writeSettings(principal: Principal, changes: Partial<InstanceSettings>): Promise<InstanceSettings>;

  /** For admins. */
  readSecretsState(principal: Principal): Promise<SecretsState>;
  /**
   * Makes a new key and seals every secret with it that can be opened; the rest is left. `conflict` while somebody else
   * does. For admins.
   */
  rotateSecrets(
    principal: Principal,
    options: { readonly removesOldKeys: boolean },
  ): Promise<{
    readonly key: string;
    readonly sealed: number;
    readonly unreadable: readonly UnreadableSecret[];
    readonly removed: readonly string[];
    readonly state: SecretsState;
  }>;
  /** Those of the mirrors that the principal may see whose secret cannot be opened any more. */
  listMirrorsNeedingSecret(principal: Principal, page: Page): Promise<Paged<MirrorNeedingSecret>>;

  // --- users --------------------------------------------------------------------------------------------

  /** People, and with `withBots` the identities of projects and tokens; or the one with this user name. */
  listUsers(principal: Principal, filter: UserQuery, window: Window): Promise<Part<User>>;
  findUser(principal: Principal, id: number): Promise<User>;
  createUser(principal: Principal, user: UserDraft): Promise<User>;
  /** For admins. With another user name, the URLs of their projects are others. */
  updateUser(principal: Principal, id: number, changes: UserChanges): Promise<User>;
  /** Their pull mirrors go on in the name of their projects' own identities. Resolves too when it is so already. */
  blockUser(principal: Principal, id: number): Promise<void>;
  unblockUser(principal: Principal, id: number): Promise<void>;
  /** As `blockUser`, for good; `conflict` while there are projects in their namespace, or they own a group alone. */
  removeUser(principal: Principal, id: number): Promise<void>;

  // --- namespaces ----------------------------------------------------------------------------------------------

  listNamespaces(
    principal: Principal,
    filter: { readonly search?: string; readonly kind?: Namespace["kind"] },
    window: Window,
  ): Promise<Part<Namespace>>;
  /** `kind` group: `not-found` for the namespace of a user. */
  findNamespace(principal: Principal, namespace: PathOrId): Promise<Namespace>;
  /** Whether a path is taken at the top, or in a group that the principal may know of; if so, with free ones like it. */
  checkNamespacePath(
    principal: Principal,
    path: string,
    parentId: number | null,
  ): Promise<{ readonly exists: boolean; readonly suggests: readonly string[] }>;

  // --- projects ------------------------------------------------------------------------------------------------

  listProjects(principal: Principal, filter: ProjectFilter, window: Window): Promise<Part<ProjectView>>;
  findProject(principal: Principal, project: PathOrId): Promise<ProjectView>;
  /** For who may see its code. None: nobody looks for them, but clients ask, and take an error for a broken project. */
  readLanguages(principal: Principal, project: PathOrId): Promise<Readonly<Record<string, number>>>;
  createProject(principal: Principal, project: ProjectDraft): Promise<ProjectView>;
  /** For admins: in the namespace of somebody else, who is its creator. */
  createProjectFor(principal: Principal, userId: number, project: ProjectDraft): Promise<ProjectView>;
  updateProject(principal: Principal, project: PathOrId, changes: ProjectChanges): Promise<ProjectView>;
  removeProject(principal: Principal, project: PathOrId): Promise<void>;
  /**
   * To another namespace, for its owners who may move projects there; less visible, where the group is. The repository
   * stays where it is.
   */
  transferProject(principal: Principal, project: PathOrId, namespace: PathOrId): Promise<ProjectView>;

  // --- mirrors -------------------------------------------------------------------------------------------------
  // `enabled` of a mirror that is handed out is the effective one: false too while mirroring is switched off.

  listPushMirrors(principal: Principal, project: PathOrId): Promise<readonly Mirror[]>;
  findPushMirror(principal: Principal, project: PathOrId, mirrorId: number): Promise<Mirror>;
  createPushMirror(principal: Principal, project: PathOrId, mirror: PushMirrorDraft): Promise<Mirror>;
  updatePushMirror(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    changes: MirrorSettings,
  ): Promise<Mirror>;
  /** `conflict`, and the mirror stays, when it has changed after the second of `unmodifiedSince`. */
  removePushMirror(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    unmodifiedSince: Date | null,
  ): Promise<void>;
  /** Resolves too when one is running or it must wait; `model-invalid` with GitLab's sentence when disabled. */
  syncPushMirror(principal: Principal, project: PathOrId, mirrorId: number): Promise<void>;

  /** Null when the project is not mirrored: there is no pull mirror, or it is off. */
  findPullMirror(principal: Principal, project: PathOrId): Promise<Mirror | null>;
  /** Makes the pull mirror or changes it; what is left out stays. An update starts at once when it is on. */
  configurePullMirror(principal: Principal, project: PathOrId, settings: MirrorSettings): Promise<Mirror>;
  /**
   * Null when the project is not mirrored. `force`: also when it is on pause after too many failures. `hook`: the webhook
   * that asks for it. `model-invalid` with a sentence in Silent Mode and in an archived project.
   */
  startPullMirror(
    principal: Principal,
    project: PathOrId,
    options: { readonly force: boolean; readonly hook?: Webhook | null },
  ): Promise<HeardHook | null>;

  // What GitLab has no one word for: mirrors of every direction, with every option.

  /** All mirrors of the project, those that are off too. */
  listMirrors(principal: Principal, project: PathOrId): Promise<readonly MirrorView[]>;
  findMirror(principal: Principal, project: PathOrId, mirrorId: number): Promise<MirrorView>;
  createMirror(principal: Principal, project: PathOrId, mirror: MirrorDraft): Promise<MirrorView>;
  updateMirror(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    changes: MirrorSettings,
  ): Promise<MirrorView>;
  removeMirror(principal: Principal, project: PathOrId, mirrorId: number): Promise<void>;
  /** `force`: a pull mirror that is on pause too. `model-invalid` with a sentence when it cannot be started. */
  syncMirror(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    options: { readonly force: boolean },
  ): Promise<MirrorStart>;
  /**
   * The host keys that the SSH server of a URL shows, asked once in ten minutes for a project. Without `wait` the answer
   * may be that this takes a moment; with it, it takes ten seconds at most.
   */
  detectHostKeys(
    principal: Principal,
    project: PathOrId,
    wish: { readonly url: string; readonly compareWith: string; readonly wait: boolean },
  ): Promise<HostKeyDetection>;
  /** Asks the mirror's server anew. Throws what the connection ends with; `model-invalid` for a URL that is not SSH. */
  reviewHostKeys(principal: Principal, project: PathOrId, mirrorId: number): Promise<HostKeyReview>;
  /**
   * Stores the host keys that the server shows now, verified by the principal, and starts the mirror anew. `conflict`
   * unless they are exactly those with these SHA-256 fingerprints.
   */
  acceptHostKeys(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    fingerprints: readonly string[],
  ): Promise<MirrorView>;
  /** The mirrors of all projects that the principal may see, by project, with why they wait for somebody, if they do. */
  listMirrorsOfAnyProject(principal: Principal, page: Page): Promise<Paged<MirrorOfAnyProject>>;
  /** Only those that wait for somebody. */
  listMirrorsWaiting(principal: Principal, page: Page): Promise<Paged<MirrorOfAnyProject>>;
  /** Hosts that did not answer the last time; for admins. */
  listFailingHosts(principal: Principal): Promise<readonly FailingHost[]>;
  /**
   * Starts all pull mirrors again that are paused for too many failures and that the principal may administer; `host`:
   * only those of one host. Answers how many.
   */
  resumeMirrors(principal: Principal, filter: { readonly host: string | null }): Promise<number>;
  /** Ends the run that is under way, on whichever node, and takes back the wish for one; resolves too when there is none. */
  cancelUpdate(principal: Principal, project: PathOrId, mirrorId: number): Promise<void>;
  /** The newest first. */
  listUpdates(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    page: Page,
  ): Promise<Paged<UpdateView<ListedUpdate>>>;
  findUpdate(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    updateId: number,
  ): Promise<UpdateView<MirrorUpdate>>;
  readProgress(principal: Principal, project: PathOrId, mirrorId: number): Promise<MirrorProgress>;
  /**
   * Follows one update to its end, `followUpdates` says which and how. What the principal may not do is thrown by the
   * call, not by the iteration.
   */
  watchProgress(
    principal: Principal,
    project: PathOrId,
    mirrorId: number,
    options: { readonly after: number | null; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<ProgressEvent>>;

  /** The activity feed; the newest first unless told. */
  listEvents(
    principal: Principal,
    project: PathOrId,
    filter: EventQuery,
    page: Page,
  ): Promise<Paged<AuthoredEvent>>;
  /** What one person did, or, `own`, oneself; or, `member`, everybody in all projects that one is a member of. */
  listEventsAcross(
    principal: Principal,
    whose: PathOrId | { readonly of: "own" | "member" },
    filter: EventQuery,
    page: Page,
  ): Promise<Paged<AuthoredEvent>>;

  // --- git -----------------------------------------------------------------------------------------------------

  /**
   * Opens the repository at this full path (no `.git`) for one request. `unauthenticated` for an anonymous principal
   * wherever signing in might help, so also for a path that does not exist; `not-found` for a user who may not see
   * it; `forbidden` for one who may see it but not do this.
   */
  openRepository(principal: Principal, fullPath: string, service: GitService): Promise<OpenRepository>;
}

export type { MirrorStart } from "./mirrors/mirror-start.ts";
export type { PathOrId } from "./path-or-id.ts";

/** GitLab's filters. `action` and `targetType` are its words; what we have no events of is found nowhere. */
export interface EventQuery extends EventFilter {
  readonly action?: string;
  readonly targetType?: string;
}

export type SignedIn = Extract<Principal, { kind: "user" }>;

export interface VersionInfo {
  /** In the form that GitLab's clients compare: `18.5.0-ee`. */
  readonly version: string;
  readonly revision: string;
}

export interface Readiness {
  readonly ok: boolean;
  /** By name of the part (`database`, `queue`, `repositories`); `message` for operators, when it does not work. */
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly message?: string }>>;
}

/** The keys of the secrets file, and those that something is sealed with and that it lacks. */
export interface SecretsState {
  readonly keys: readonly {
    readonly id: string;
    readonly isCurrent: boolean;
    readonly isKnown: boolean;
    /** As many secrets in the database are sealed with it. */
    readonly secrets: number;
  }[];
  readonly mirrorsNeedingSecret: number;
  /** Names of those whose second factor cannot be checked. */
  readonly usersWithoutSecondFactor: readonly string[];
}

/** A mirror that lacks secrets, and which. */
export interface MirrorNeedingSecret extends MirrorOfProject {
  readonly lostSecrets: readonly SecretKind[];
}

export interface UserDraft {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  /** Null: the user can sign in by token only. */
  readonly password: string | null;
  readonly isAdmin: boolean;
}

export interface ProjectFilter
  extends Pick<
    StoredProjectFilter,
    | "search"
    | "leastLevel"
    | "visibility"
    | "archived"
    | "idAfter"
    | "idBefore"
    | "lastActivityAfter"
    | "lastActivityBefore"
    | "topics"
    | "order"
  > {
  /** Only those that the principal owns; of which they are a member. For admins too: the rights of an admin do not count. */
  readonly owned?: boolean;
  readonly membership?: boolean;
  /** Only those of a group, or in the namespace of a user, each by id or path. */
  readonly within?:
    | { readonly kind: "group"; readonly which: PathOrId; readonly withSubgroups: boolean }
    | { readonly kind: "user"; readonly which: PathOrId };
}

/** A project with what answers about it show besides its own row. */
export interface ProjectView {
  readonly project: Project;
  /** Short name of the branch that HEAD points at; null while the repository is empty, and for who may not read its code. */
  readonly defaultBranch: string | null;
  /** Whether its repository has no default branch. */
  readonly isEmpty: boolean;
  /** The principal's role by GitLab's number: 0 (none) to 50 (owner; admins too). */
  readonly accessLevel: number;
  /** By which git clones it over SSH; null where SSH is off. */
  readonly sshUrl: string | null;
  /** By which memberships. */
  readonly roles: Roles;
  /** Its pull mirror, one that is off or an import that ran once too; null when there never was one. */
  readonly pullMirror: Mirror | null;
  /** Path of the file that introduces it, on its default branch; null: there is none, or nobody has looked. */
  readonly readme: string | null;
}

export interface ProjectDraft {
  /** At least one of `name` and `path`: the door sees to it. */
  readonly name?: string;
  readonly path?: string;
  /** Left out: the principal's own namespace. */
  readonly namespaceId?: number;
  readonly description?: string | null;
  readonly visibility?: Visibility;
  /** What HEAD points at from the start; `main` unless told. */
  readonly defaultBranch?: string;
  /** Whether it begins with a commit that has a file about it. */
  readonly withReadme?: boolean;
  readonly topics?: readonly string[];
  readonly keptAttributes?: Project["keptAttributes"];
  /** For admins only: others are refused. */
  readonly limits?: Partial<ProjectLimits>;
  /** `url` with `enabled` left out or false: an import that runs once. */
  readonly pullMirror?: MirrorSettings;
}

export interface ProjectChanges {
  readonly name?: string;
  readonly path?: string;
  readonly description?: string | null;
  readonly visibility?: Visibility;
  /** For admins only: others are refused. */
  readonly limits?: Partial<ProjectLimits>;
  readonly archived?: boolean;
  readonly topics?: readonly string[];
  /** Those that are not named stay as they are. */
  readonly keptAttributes?: Project["keptAttributes"];
  readonly pushesToMirroredBranches?: PushesToMirroredBranches;
  /** Its short name; `model-invalid` unless it is there. */
  readonly defaultBranch?: string;
  /** Dropped without a word for those who may change the project but not mirror it, as GitLab does. */
  readonly pullMirror?: MirrorSettings;
}

/**
 * What is to be said of a mirror; what is left out stays, or has its default. An empty `branchRegex` is none, an empty
 * `tags` is `all`.
 */
export interface MirrorSettings extends Partial<MirrorOptions> {
  readonly enabled?: boolean;
  /** As given, credentials perhaps inside; not yet checked in any way. */
  readonly url?: string;
  /** Over what is in the URL and what is stored; null or empty takes it away. */
  readonly username?: string | null;
  readonly password?: string | null;
  readonly authMethod?: AuthMethod;
  /** A private key of somebody's own, for `ssh_public_key`. */
  readonly privateKey?: string;
  /** Makes another key pair. */
  readonly regeneratesKeyPair?: boolean;
  /** Of a key pair that is made now; left out: as the one before, else ed25519. */
  readonly sshKeyType?: SshKeyType;
  /** What the remote's SSH server must show: lines of known_hosts, or bare keys; none takes the stored ones away. */
  readonly hostKeys?: readonly string[];
  /** The same as one text. */
  readonly knownHosts?: string;
  /** A named credential, which is then all that the remote is shown; null: none. */
  readonly credentialId?: number | null;
  /** PEM; null or empty takes it away. */
  readonly caCertificates?: string | null;
  /** PEM, both together. */
  readonly clientCertificate?: string | null;
  readonly clientKey?: string | null;
  /** Another mirror user than the principal; admins only. */
  readonly userId?: number;
}

export interface PushMirrorDraft extends MirrorSettings {
  readonly url: string;
}

export interface MirrorDraft extends MirrorSettings {
  readonly direction: MirrorDirection;
  readonly url: string;
}

/** A mirror with what answers about it show besides its own row. */
export interface MirrorView {
  readonly mirror: Mirror;
  /** When it is looked at or run next, as far as is known now; null: not by itself, or it runs at this moment. */
  readonly nextUpdateAt: Date | null;
  /** After too many failures in a row: until a person starts it. */
  readonly isPaused: boolean;
  /** Its host does not answer, and is left alone until then. */
  readonly hostPausedUntil: Date | null;
  /** Stored secrets that it needs and that cannot be opened any more: somebody must give them again. */
  readonly lostSecrets: readonly SecretKind[];
  /** Who looked at its host keys; null: nobody, or they are gone. */
  readonly hostKeysVerifiedBy: User | null;
  /** Its named credential expires within seven days, or has. */
  readonly credentialExpiresSoon: boolean;
  readonly hook: ReturnType<typeof judgeHook>;
}

/** A mirror of any project, and why it waits for somebody: the weightiest reason first. */
export interface MirrorOfAnyProject {
  readonly view: MirrorView;
  readonly projectPath: string;
  readonly reasons: readonly AttentionReason[];
}

/** What a look at an SSH server's host keys has brought. */
export type HostKeyDetection =
  | { readonly kind: "scanning" }
  | {
      readonly kind: "found";
      /** In the form in which mirrors store it. */
      readonly knownHosts: string;
      /** Whether it differs from the text that was to be compared. */
      readonly haveChanged: boolean;
    }
  /** Not an `ssh://` URL, or one that is refused. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly reason: string };

/** A mirror's stored host keys against those that its server shows now. */
export interface HostKeyReview {
  readonly mirror: Mirror;
  /** All that the server shows, in the form in which mirrors store it. */
  readonly knownHosts: string;
  /** Shown, and not stored. */
  readonly added: readonly HostKeyFingerprint[];
  /** Stored, and no more shown. */
  readonly removed: readonly HostKeyFingerprint[];
  readonly kept: readonly HostKeyFingerprint[];
  /** Shown, and marked `@revoked` among the stored ones: never to be accepted. */
  readonly revoked: readonly HostKeyFingerprint[];
}

/** An update, and who asked for it: null when nobody did, or they are gone. */
export interface UpdateView<U> {
  readonly update: U;
  readonly user: User | null;
}

export interface MirrorProgress {
  readonly mirror: Mirror;
  /** The update that runs, with how far it is; null: none. */
  readonly update: UpdateState | null;
}

export type ProgressEvent =
  | { readonly kind: "progress"; readonly progress: MirrorProgress }
  | { readonly kind: "end"; readonly update: UpdateState };

/** One request's way to a repository that this principal may use. */
export interface OpenRepository {
  /**
   * The output of `git <service> --http-backend-info-refs`: refs and capabilities as pkt-lines, without the
   * `# service=` line that smart HTTP puts in front.
   */
  advertise(exchange: GitExchange): Promise<Readable | Buffer>;
  /**
   * One stateless exchange: reads the request from `input`, writes the answer to `output` and ends it. Resolves when
   * git is done and, for a push, when everything that follows from it is safely noted. Rejects when git cannot be
   * started, fails or is aborted; a push whose refs were refused is no failure, git says so in its answer.
   */
  serve(input: Readable, output: Writable, exchange: GitExchange): Promise<void>;
  /**
   * Where the client has a connection of its own, what reads is one conversation: the same streams, in as many turns as
   * it takes. For a repository that was opened to be read (`upload-pack`).
   */
  converse(
    program: ConversationProgram,
    input: Readable,
    output: Writable,
    exchange: GitExchange,
  ): Promise<void>;
}
