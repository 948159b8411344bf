import { randomBytes } from "node:crypto";
import { access, constants, mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { bootstrapRoot, type MadeUpSecrets } from "../app/accounts/bootstrap-root.ts";
import { createUseCases } from "../app/create-use-cases.ts";
import { composeHookRequest } from "../app/hooks/compose-hook-request.ts";
import { composePipelineRequest } from "../app/pipelines/compose-pipeline-request.ts";
import type { Clock, Log, Ports, TakePlace } from "../app/ports.ts";
import { type ClientLimits, createClientQueue } from "../app/repositories/client-queue.ts";
import { resumeReadable } from "../app/secrets/secret-keys.ts";
import type { SshKeyUseCases } from "../app/ssh-keys/ssh-key-use-cases.ts";
import { SHUTTING_DOWN, updateMirror } from "../app/updates/update-mirror.ts";
import { createBackground } from "../background.ts";
import { formatListenAddress, type ListenAddress, localUrlOf } from "../config/listen-address.ts";
import { chooseProxy } from "../config/proxies.ts";
import { readCaFile } from "../config/read-ca-file.ts";
import { readClientSecret } from "../config/read-client-secret.ts";
import type { Settings } from "../config/settings.ts";
import { createTokenStore } from "../db/access-tokens.ts";
import { createAuditStore } from "../db/audit-events.ts";
import { createCredentialStore } from "../db/credentials.ts";
import { createDeliveryStore } from "../db/deliveries.ts";
import { startEmbeddedPostgres } from "../db/embedded/start-embedded-postgres.ts";
import { createEventStore } from "../db/events.ts";
import { createHookSecretStore } from "../db/hook-secrets.ts";
import { createHookStore } from "../db/hooks.ts";
import { createIdentityStore } from "../db/identities.ts";
import { createInstanceSettingsStore, initInstanceSettings } from "../db/instance-settings.ts";
import { createMemberStore } from "../db/members.ts";
import { migrate } from "../db/migrate.ts";
import { createMirrorAttention } from "../db/mirror-attention.ts";
import { createMirrorHookStore } from "../db/mirror-hooks.ts";
import { createMirrorOverview } from "../db/mirror-overview.ts";
import { createMirrorStore } from "../db/mirrors.ts";
import { createNamespaceStore } from "../db/namespaces.ts";
import { createMailOutbox } from "../db/outgoing-mails.ts";
import { createPipelineTriggerStore } from "../db/pipeline-triggers.ts";
import { type DatabaseConnection, openDatabase, requireDatabase } from "../db/pool.ts";
import { createProjectStore } from "../db/projects.ts";
import { createProtectedBranchStore } from "../db/protected-branches.ts";
import { createProtectedTagStore } from "../db/protected-tags.ts";
import { createRecentSettings } from "../db/recent-settings.ts";
import { createHostStore } from "../db/remote-hosts.ts";
import { createSealedSecretStore, hasSealedSecrets } from "../db/sealed-secrets.ts";
import { createSecondFactorStore } from "../db/second-factors.ts";
import { createSessionStore } from "../db/sessions.ts";
import { createSignInFailureStore } from "../db/sign-in-failures.ts";
import { createSshKeyStore } from "../db/ssh-keys.ts";
import { createTriggerTokenStore } from "../db/trigger-tokens.ts";
import { createUserStore } from "../db/users.ts";
import { HeliostatError } from "../domain/errors.ts";
import { TOKEN_PREFIXES } from "../domain/token-prefixes.ts";
import { createBrowsing } from "../git/browse/browsing.ts";
import { limitTransfers } from "../git/limit-transfers.ts";
import { createRepositories, type GitRepositories } from "../git/repositories.ts";
import { createHttpServer } from "../http/create-http-server.ts";
import { clearSignIns } from "../jobs/clear-sign-ins.ts";
import { startDeliverer } from "../jobs/deliverer.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { forgetHookMessages } from "../jobs/forget-hook-messages.ts";
import { createHousekeeper } from "../jobs/housekeeper.ts";
import { keepHistoryShort } from "../jobs/keep-history-short.ts";
import { startMailer } from "../jobs/mailer.ts";
import { createProgressBoard } from "../jobs/progress-board.ts";
import { repeat } from "../jobs/repeat.ts";
import { createRunningUpdates } from "../jobs/running-updates.ts";
import { createUpdateQueue } from "../jobs/update-queue.ts";
import { warnOfExpiry } from "../jobs/warn-of-expiry.ts";
import { createIdentityProvider } from "../oidc/identity-provider.ts";
import { createRemotes } from "../remotes/remotes.ts";
import { keyPairs } from "../secrets/key-pairs.ts";
import { openKeyRing } from "../secrets/key-ring.ts";
import { createPasswordHasher } from "../secrets/password-hasher.ts";
import { createSealer } from "../secrets/sealer.ts";
import { createSeals } from "../secrets/seals.ts";
import { createSshServer, type SshServer } from "../ssh/create-ssh-server.ts";
import { openHostKeys } from "../ssh/host-keys.ts";
import { systemClock } from "../system-clock.ts";
import { GITLAB_VERSION, USER_AGENT, VERSION } from "../version.ts";

export interface ServerOptions {
  /** Folder of the built web interface; a sentence is served in its place when it is not there. */
  readonly webRoot: string;
  /** Keeps what the first start makes up where only its starter can read it; called before it is in force. */
  readonly keepSecrets: (madeUp: MadeUpSecrets) => Promise<void>;
}

export interface RunningServer {
  /** Base URL by which people reach it. */
  readonly url: string;
  /** How it is known by SSH; null: SSH is off. */
  readonly ssh: ReturnType<SshKeyUseCases["readSshDoor"]>;
  /** Settles when the server can no longer work, with the reason. */
  readonly broken: Promise<Error>;
  /** Drains: no new work, 30 s for what runs, then the rest is left to the next start. */
  stop(): Promise<void>;
}

/** Running updates get this long at shutdown before they are released for another node. */
const GRACE_MS = 30_000;

/** What nobody waits for gets this long when nothing new can come of it any more. */
const BACKGROUND_GRACE_MS = 5_000;

/** A mail that is being sent gets this long at shutdown. */
const MAIL_GRACE_MS = 5_000;

/** A request to a hook or a pipeline trigger that is being sent gets this long at shutdown. */
const DELIVERY_GRACE_MS = 5_000;

/** A client waits this long for its turn: less than the minute after which many a proxy gives up. */
const CLIENT_PATIENCE_MS = 50_000;
/** The short-lived gits of those who browse: more of them at a time than there are cores help nobody. */
const READER_LIMITS: ClientLimits = { places: 6, waiting: 500, patienceMs: 20_000 };

const CLEAN_EVERY_MS = 3600_000;

/** Less than this, and the instance is not ready: the next fetch would only fail in the middle. */
const LEAST_FREE_BYTES = 16 * 1024 * 1024;

/**
 * Starts everything, in the order in which one thing needs the other, and joins the adapters to the use cases. What
 * was started is stopped again when a later step fails.
 */
export async function startServer(
  settings: Settings,
  log: Log,
  options: ServerOptions,
): Promise<RunningServer> {
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) {
      await stop().catch((error: unknown) => log.warn({ err: error }, "something did not stop cleanly"));
    }
  };
  try {
    return await start(settings, log, options, stops, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function start(
  settings: Settings,
  log: Log,
  options: ServerOptions,
  stops: (() => Promise<void>)[],
  stopAll: () => Promise<void>,
): Promise<RunningServer> {
  const broken = Promise.withResolvers<Error>();
  const caCertificates = readCaFile(settings);
  const repositoriesRoot = join(settings.dataDir, "repositories");
  await makeDirectory(settings.dataDir);
  await makeDirectory(repositoriesRoot);

  // The embedded database allows one server: whatever else seems to be at work here is what a killed one left.
  const isAlone = settings.databaseUrl === null;
  const repositories = limitTransfers(createRepositories({ root: repositoriesRoot, log, isAlone }));
  await repositories.requireGit();
  const readers = createClientQueue(systemClock, READER_LIMITS);
  const takePlace: TakePlace = (client, signal) => readers.enter("refs", client, signal);
  const browsing = createBrowsing({ log, takePlace });
  stops.push(() => browsing.close());

  const connection = await connect(settings, log, stops, broken.resolve);
  const db = openDatabase(connection, {
    // Not the error itself: the driver hangs the whole connection on it, with the key that would cancel its queries.
    onIdleError: ({ code, message }) => log.warn({ code, reason: message }, "a database connection was lost"),
  });
  stops.push(() => db.destroy());
  await requireDatabase(db);
  await migrate(db);
  await initInstanceSettings(db, { allowLocalRequests: settings.allowLocalRemotes });

  const remotes = createRemotes({
    log,
    userAgent: USER_AGENT,
    caCertificates,
    proxyFor: (endpoint) => chooseProxy(settings.proxies, endpoint),
  });
  stops.push(() => remotes.close());
  const background = createBackground(log);
  stops.push(() => background.drain(BACKGROUND_GRACE_MS));
  const running = createRunningUpdates(systemClock);
  const dispatcher = { wakeAt: (_at: Date): void => undefined };
  const queue = createUpdateQueue({ connection, log, running, wakeAt: (at) => dispatcher.wakeAt(at) });
  const projects = createProjectStore(db);
  const mailer = { wake: (): void => undefined };
  const mails = settings.smtpUrl === null ? null : createMailOutbox(db, { onPut: () => mailer.wake() });
  const deliverer = { wake: (): void => undefined };
  const housekeeper = createHousekeeper({ clock: systemClock, log, projects, repositories });
  stops.push(() => housekeeper.stop());
  const keyRing = openKeyRing(settings.secretsFile, { log, areSecretsLost: await hasSealedSecrets(db) });
  const sealer = createSealer(keyRing);
  const mirrors = createMirrorStore(db, sealer);

  const identityProvider =
    settings.oidc === null
      ? null
      : createIdentityProvider({
          ...settings.oidc,
          ...{ clientSecret: readClientSecret(settings.oidc), log, userAgent: USER_AGENT, caCertificates },
          proxyFor: (target) => chooseProxy(settings.proxies, target),
        });
  if (identityProvider !== null) stops.push(() => identityProvider.close());

  // Port 0 lets the system choose, so what people see is known for good only once the server listens.
  let externalUrl = settings.externalUrl ?? localUrlOf(settings.httpListen);
  let sshPort = settings.sshListen?.port ?? null;
  const hostKeys = settings.sshListen === null ? [] : await openHostKeys(join(settings.dataDir, "ssh"));
  const door: { ssh: SshServer | null } = { ssh: null };
  const ports: Ports = {
    instance: {
      version: GITLAB_VERSION,
      revision: `heliostat-${VERSION}`,
      get externalUrl() {
        return externalUrl;
      },
      get sshPort() {
        return sshPort;
      },
      makeTokenSecret: (kind = "personal") =>
        `${TOKEN_PREFIXES[kind]}${randomBytes(20).toString("base64url")}`,
      random: Math.random,
      readinessProbes: {
        database: async () => {
          await db.selectFrom("instance_settings").select("only_row").executeTakeFirstOrThrow();
        },
        queue: () => queue.probe(),
        repositories: () => probeRepositories(repositoriesRoot),
        ...(settings.sshListen === null ? {} : { ssh: async () => requireListening(door.ssh) }),
      },
    },
    clock: systemClock,
    log,
    settings: createRecentSettings(createInstanceSettingsStore(db), systemClock),
    users: createUserStore(db),
    members: createMemberStore(db),
    tokens: createTokenStore(db),
    sessions: createSessionStore(db),
    sshKeys: createSshKeyStore(db),
    ownHostKeys: { list: () => hostKeys },
    triggerTokens: createTriggerTokenStore(db),
    signInFailures: createSignInFailureStore(db),
    secondFactors: createSecondFactorStore(db, sealer),
    identities: createIdentityStore(db),
    identityProvider,
    seals: createSeals(sealer, keyRing),
    namespaces: createNamespaceStore(db),
    projects,
    protectedBranches: createProtectedBranchStore(db),
    protectedTags: createProtectedTagStore(db),
    mirrors,
    mirrorHooks: createMirrorHookStore(db, sealer),
    pipelineTriggers: createPipelineTriggerStore(db, sealer),
    attention: createMirrorAttention(db),
    overview: createMirrorOverview(db),
    credentials: createCredentialStore(db, sealer),
    keyPairs,
    hosts: createHostStore(db),
    secretKeys: keyRing,
    sealedSecrets: createSealedSecretStore(db, sealer),
    events: createEventStore(db),
    audit: createAuditStore(db),
    mails,
    repositories,
    browsing,
    remotes,
    hooks: createHookStore(db, sealer),
    hookSecrets: createHookSecretStore(db, sealer),
    deliveries: createDeliveryStore(db, { onPut: () => deliverer.wake() }),
    sender: remotes.sender,
    queue,
    housekeeping: housekeeper,
    background,
    progress: createProgressBoard({ clock: systemClock, log, mirrors }),
    passwords: createPasswordHasher(),
    randomBytes,
  };

  await projects.endLostRefsWrites();
  if (isAlone) {
    await ports.mirrors.endLostLeases(ports.clock.now());
    await ports.deliveries.endLostLeases(ports.clock.now());
  }
  await repositories.removeLeftovers({ isAlone });
  stops.push(keepClean(repositories, systemClock, log));
  stops.push(keepHistoryShort(ports));
  stops.push(clearSignIns(ports));
  stops.push(forgetHookMessages(ports));
  await resumeReadable(ports);
  const given = { password: settings.adminPassword, token: settings.adminToken };
  await bootstrapRoot(ports, given, options.keepSecrets);

  if (mails !== null && settings.smtpUrl !== null) {
    // Some megabytes that a server without mail need not hold.
    const { createSmtpSender } = await import("../mail/smtp-sender.ts");
    const sender = createSmtpSender({ url: settings.smtpUrl, instance: ports.instance });
    stops.push(async () => sender.close());
    const started = startMailer({ ...ports, mails, sender });
    mailer.wake = () => started.wake();
    stops.push(() => started.stop(MAIL_GRACE_MS));
    stops.push(warnOfExpiry({ ...ports, mails }));
  }
  const delivering = startDeliverer({
    ...ports,
    composers: {
      hook: (delivery) => composeHookRequest(ports, delivery),
      "pipeline-trigger": (delivery) => composePipelineRequest(ports, delivery),
    },
  });
  deliverer.wake = () => delivering.wake();
  stops.push(() => delivering.stop(DELIVERY_GRACE_MS));
  await queue.start((mirrorId, signal) => updateMirror(ports, mirrorId, signal));
  stops.push(() => queue.stop());
  stops.push(() => running.drain(GRACE_MS, SHUTTING_DOWN));
  const started = startDispatcher(() => ports);
  dispatcher.wakeAt = (at) => started.wakeAt(at);
  stops.push(() => started.stop());

  const useCases = createUseCases(ports, {
    clients: { places: settings.gitClients, waiting: settings.gitQueue, patienceMs: CLIENT_PATIENCE_MS },
  });
  if (settings.sshListen !== null) {
    const ssh = createSshServer({ useCases, log, hostKeys });
    door.ssh = ssh;
    stops.push(() => ssh.close());
    sshPort = await ssh
      .listen(settings.sshListen)
      .catch(refuseListen(settings.sshListen, "HELIOSTAT_SSH_LISTEN"));
  }
  const http = await createHttpServer({
    useCases,
    settings: {
      get externalUrl() {
        return externalUrl;
      },
      webRoot: options.webRoot,
      trustedProxies: settings.trustedProxies,
    },
    log,
  });
  stops.push(() => http.close());
  await http
    .listen({ ...settings.httpListen })
    .catch(refuseListen(settings.httpListen, "HELIOSTAT_HTTP_LISTEN"));
  const [bound] = http.addresses();
  if (typeof bound === "object" && settings.externalUrl === null) {
    externalUrl = localUrlOf({ host: settings.httpListen.host, port: bound.port });
  }
  started.wakeAt(new Date());
  const ssh = useCases.readSshDoor();
  return { url: externalUrl, ssh, broken: broken.promise, stop: stopAll };
}

/** For an address that cannot be had: what is wrong with it, and which variable says another. */
function refuseListen(address: ListenAddress, variable: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    const why = error.code === "EADDRINUSE" ? "it is in use by another program" : error.message;
    const text = `Cannot listen on ${formatListenAddress(address)}: ${why}. Set ${variable} to another address.`;
    throw new HeliostatError("listen-failed", text, { cause: error });
  };
}

function requireListening(ssh: SshServer | null): void {
  if (!ssh?.isListening()) throw new HeliostatError("listen-failed", "Git over SSH is not served yet.");
}

/**
 * Starts the embedded PostgreSQL unless a database is given. The embedded one allows one server to a data directory;
 * with a database of your own, any number of nodes may share the directory.
 */
async function connect(
  settings: Settings,
  log: Log,
  stops: (() => Promise<void>)[],
  onBroken: (error: Error) => void,
): Promise<DatabaseConnection> {
  if (settings.databaseUrl !== null) return { connectionString: settings.databaseUrl };
  const postgres = await startEmbeddedPostgres({ dataDir: settings.dataDir, log });
  let stopping = false;
  void postgres.ended.then(() => {
    if (!stopping) onBroken(new HeliostatError("database-unavailable", "The embedded PostgreSQL has ended."));
  });
  stops.push(async () => {
    stopping = true;
    await postgres.stop();
  });
  return postgres.connection;
}

/**
 * Removes at once and then every hour what runs and gits left that did not end well. In the background: a start must
 * not wait for it. Answers how to stop it.
 */
function keepClean(
  repositories: Pick<GitRepositories, "removeLeftovers" | "removeStaleFiles">,
  clock: Clock,
  log: Log,
): () => Promise<void> {
  return repeat(clock, CLEAN_EVERY_MS, async (signal) => {
    try {
      const removed = (await repositories.removeLeftovers()) + (await repositories.removeStaleFiles(signal));
      if (removed > 0) log.info({ removed }, "removed what dead runs had left");
    } catch (error) {
      log.warn({ err: error }, "leftovers of dead runs could not be removed");
    }
  });
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new HeliostatError("config-invalid", `The directory ${path} cannot be used: ${String(error)}`, {
      cause: error,
    });
  }
}

async function probeRepositories(root: string): Promise<void> {
  await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize < LEAST_FREE_BYTES)
    throw new HeliostatError("disk-full", `No space left below ${root}.`);
}
