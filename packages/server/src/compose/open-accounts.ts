import type { Ports } from "../app/ports.ts";
import type { PasswordPorts } from "../app/sign-in/passwords.ts";
import { localUrlOf } from "../config/listen-address.ts";
import type { Settings } from "../config/settings.ts";
import { createAuditStore } from "../db/audit-events.ts";
import { findEmbeddedPostgres, startEmbeddedPostgres } from "../db/embedded/start-embedded-postgres.ts";
import { createInstanceSettingsStore } from "../db/instance-settings.ts";
import { migrate } from "../db/migrate.ts";
import { createMailOutbox } from "../db/outgoing-mails.ts";
import { type DatabaseConnection, openDatabase, requireDatabase } from "../db/pool.ts";
import { removeSecondFactor } from "../db/second-factors.ts";
import { createSessionStore } from "../db/sessions.ts";
import { createUserStore } from "../db/users.ts";
import { HeliostatError } from "../domain/errors.ts";
import { createPasswordHasher } from "../secrets/password-hasher.ts";
import { systemClock } from "../system-clock.ts";

export interface OpenAccounts {
  readonly ports: PasswordPorts & { readonly secondFactors: Pick<Ports["secondFactors"], "remove"> };
  close(): Promise<void>;
}

const QUIET: Ports["log"] = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type AccountSettings = Pick<Settings, "databaseUrl" | "dataDir" | "externalUrl" | "httpListen" | "smtpUrl">;

/**
 * Joins what changing an account needs, on the database itself: for a command on the server's machine, whether the
 * server runs or not. Mails wait in the outbox for the server. `parameter-invalid` where there is no database.
 */
export async function openAccounts(settings: AccountSettings): Promise<OpenAccounts> {
  const { connection, isOurs, stop } = await reachDatabase(settings);
  const db = openDatabase(connection, { onIdleError: () => {}, max: 2 });
  const close = async () => {
    await db.destroy();
    await stop();
  };
  try {
    await requireDatabase(db);
    // Only where no server can be at work: one of an older version goes on with its own schema.
    if (isOurs) await migrate(db);
  } catch (error) {
    await close();
    throw error;
  }
  const ports: OpenAccounts["ports"] = {
    secondFactors: { remove: (userId) => removeSecondFactor(db, userId) },
    instance: { externalUrl: settings.externalUrl ?? localUrlOf(settings.httpListen) },
    clock: systemClock,
    log: QUIET,
    settings: createInstanceSettingsStore(db),
    users: createUserStore(db),
    sessions: createSessionStore(db),
    audit: createAuditStore(db),
    mails: settings.smtpUrl === null ? null : createMailOutbox(db, { onPut: () => {} }),
    passwords: createPasswordHasher(),
  };
  return { ports, close };
}

async function reachDatabase({ databaseUrl, dataDir }: AccountSettings): Promise<{
  readonly connection: DatabaseConnection;
  /** Whether it was started for this, so that nobody else uses it. */
  readonly isOurs: boolean;
  stop(): Promise<void>;
}> {
  const stop = async () => undefined;
  if (databaseUrl !== null) return { connection: { connectionString: databaseUrl }, isOurs: false, stop };
  const found = await findEmbeddedPostgres(dataDir);
  switch (found.kind) {
    case "running":
      return { connection: found.connection, isOurs: false, stop };
    case "stopped": {
      const postgres = await startEmbeddedPostgres({ dataDir, log: QUIET });
      return { connection: postgres.connection, isOurs: true, stop: () => postgres.stop() };
    }
    case "none":
      throw new HeliostatError(
        "parameter-invalid",
        `There is no database in ${dataDir}. Run this on the machine of the server, with its HELIOSTAT_DATA_DIR or HELIOSTAT_DATABASE_URL.`,
      );
  }
}
