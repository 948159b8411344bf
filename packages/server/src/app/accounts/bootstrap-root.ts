import type { User } from "../../domain/user.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Instance, Ports } from "../ports.ts";
import { recordOwnAudit } from "../record-audit.ts";
import { digestToken } from "./token-digest.ts";

export interface RootSecrets {
  /** From the environment; null: make one at the first start. */
  readonly password: string | null;
  readonly token: string | null;
}

/** What the first start made up and nobody knows yet; null where the environment gave it or it is an old instance. */
export interface MadeUpSecrets {
  readonly password: string | null;
  readonly token: string | null;
}

const ROOT = "root";

/**
 * Makes the user `root` at the first start, with a personal access token. Later starts change nothing, but for a token
 * in the environment that is not known yet: it is added, so that a script can be let in. One that was revoked stays
 * so. What is made up is handed to `keep` *before* it is in force: a start that is killed in between makes up something
 * new, and never leaves an instance that nobody can enter.
 */
export async function bootstrapRoot(
  ports: Pick<Ports, "audit" | "users" | "tokens" | "passwords" | "clock"> & {
    readonly instance: Pick<Instance, "makeTokenSecret">;
  },
  given: RootSecrets,
  keep: (madeUp: MadeUpSecrets) => Promise<void>,
): Promise<MadeUpSecrets> {
  const existing = await ports.users.findByUsername(ROOT);
  const makesToken = given.token === null && (existing === null || !(await hasEverHadToken(ports, existing)));
  const madeUp: MadeUpSecrets = {
    password: existing === null && given.password === null ? ports.instance.makeTokenSecret() : null,
    token: makesToken ? ports.instance.makeTokenSecret() : null,
  };
  if (madeUp.password !== null || madeUp.token !== null) await keep(madeUp);
  const root = existing ?? (await createRoot(ports, given.password ?? madeUp.password ?? ""));
  const token = given.token ?? madeUp.token;
  if (token !== null && (await ports.tokens.findByDigest(digestToken(token))) === null) {
    await createToken(ports, root, token);
  }
  return madeUp;
}

async function hasEverHadToken(ports: Pick<Ports, "tokens" | "clock">, root: User): Promise<boolean> {
  const { total } = await ports.tokens.list({ userId: root.id }, { page: 1, perPage: 1 }, ports.clock.now());
  return total > 0;
}

async function createRoot(
  ports: Pick<Ports, "audit" | "clock" | "users" | "passwords">,
  password: string,
): Promise<User> {
  const root = await ports.users.create({
    username: ROOT,
    name: "Administrator",
    email: "root@localhost",
    isAdmin: true,
    passwordHash: await ports.passwords.hash(password),
  });
  await recordOwnAudit(ports, "start of the server", {
    action: "user-created",
    entity: auditedUser(root),
    details: { email: root.email, admin: true },
  });
  return root;
}

async function createToken(
  ports: Pick<Ports, "audit" | "clock" | "tokens">,
  root: User,
  secret: string,
): Promise<void> {
  const token = await ports.tokens.create({
    userId: root.id,
    name: "first token",
    description: null,
    createdBy: null,
    digest: digestToken(secret),
    scopes: ["api", "write_repository", "admin_mode"],
    expiresAt: null,
  });
  await recordOwnAudit(ports, "start of the server", {
    action: "token-created",
    entity: auditedUser(root),
    target: { type: "AccessToken", id: token.id, details: token.name },
    details: { scopes: token.scopes, expires_at: null },
  });
}
