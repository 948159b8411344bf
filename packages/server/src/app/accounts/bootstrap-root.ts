import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
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
 * Makes the user `root` at the first start, with a personal access token. Later starts change nothing, but for a
 * token in the environment that is not known yet: it is added, so that a script can always be let in.
 */
export async function bootstrapRoot(
  ports: Pick<Ports, "users" | "tokens" | "passwords" | "instance" | "clock">,
  given: RootSecrets,
): Promise<MadeUpSecrets> {
  const existing = await ports.users.findByUsername(ROOT);
  if (existing) {
    if (
      given.token !== null &&
      (await ports.tokens.findLive(digestToken(given.token), ports.clock.now())) === null
    ) {
      await createToken(ports, existing, given.token);
    }
    return { password: null, token: null };
  }
  const password = given.password ?? ports.instance.makeTokenSecret();
  const root = await ports.users.create({
    username: ROOT,
    name: "Administrator",
    email: "root@localhost",
    isAdmin: true,
    passwordHash: await ports.passwords.hash(password),
  });
  const token = given.token ?? ports.instance.makeTokenSecret();
  await createToken(ports, root, token);
  return {
    password: given.password === null ? password : null,
    token: given.token === null ? token : null,
  };
}

async function createToken(ports: Pick<Ports, "tokens">, root: User, secret: string): Promise<void> {
  await ports.tokens.create({
    userId: root.id,
    name: "first token",
    digest: digestToken(secret),
    scopes: ["api", "write_repository", "admin_mode"],
    expiresAt: null,
  });
}
