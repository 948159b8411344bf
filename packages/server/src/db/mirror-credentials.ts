import { sql } from "kysely";
import type { MirrorChanges, RemoteCredential, StoredRemote } from "../app/ports.ts";
import { mayBeToken } from "../domain/credential-secrets.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { RemoteUrl } from "../domain/remote-url.ts";
import { usedSecrets } from "../domain/used-secrets.ts";
import type { Db } from "./pool.ts";

/** What the stores need to keep secrets sealed at rest; `secrets/` gives it. */
export interface SecretSealer {
  seal(plain: string, context: string): { readonly keyId: string; readonly sealed: Buffer };
  /** `secret-unreadable` when the key is lost or the text was tampered with. */
  open(secret: { readonly keyId: string; readonly sealed: Buffer }, context: string): string;
}

/** What a mirror's row is shown with of the credential that counts: none of its secrets. */
export interface CredentialFacts {
  /** Of a named one. */
  readonly name: string | null;
  readonly username: string | null;
  readonly has_password: boolean;
  readonly public_key: string | null;
  /** ISO 8601. */
  readonly expires_at: string | null;
  readonly password_key_id: string | null;
  readonly private_key_key_id: string | null;
}

/** The id of the credential that counts for a row of `mirrors`: the named one, else its own. Found by index. */
export const CREDENTIAL_ID = sql<number | null>`coalesce(
  mirrors.credential_id, (select own.id from credentials as own where own.mirror_id = mirrors.id))`;

/** The facts of that credential as a column; null: the mirror shows none. */
export const CREDENTIAL_FACTS = sql<CredentialFacts | null>`(
  select jsonb_build_object(
      'name', shown.name, 'username', case when shown.sealed_username is null then shown.username else '*****' end,
      'has_password', shown.password_sealed is not null and shown.sealed_username is distinct from 'alone',
      'public_key', shown.public_key, 'expires_at', shown.expires_at,
      'password_key_id', shown.password_key_id, 'private_key_key_id', shown.private_key_key_id)
    from credentials as shown where shown.id = ${CREDENTIAL_ID}
)`.as("credential");

/** Whose a secret is: a mirror's own, or a named credential's. */
export type SecretOwner = { readonly mirrorId: number } | { readonly credentialId: number };

/** A text that is part of what is sealed, so that a sealed text cannot be moved to another row or column. */
export function passwordContext(owner: SecretOwner): string {
  return `${ownerContext(owner)}:password`;
}

/** The same for an SSH private key. */
export function privateKeyContext(owner: SecretOwner): string {
  return `${ownerContext(owner)}:private-key`;
}

/** The same for the key of a mirror's client certificate. */
export function clientKeyContext(mirrorId: number): string {
  return `mirror:${mirrorId}:client-key`;
}

function ownerContext(owner: SecretOwner): string {
  return "mirrorId" in owner ? `mirror:${owner.mirrorId}` : `credential:${owner.credentialId}`;
}

/**
 * Writes what changes of the unnamed credential of a mirror with this URL; makes it when there is none. A user name for
 * HTTP that may be a token is sealed too.
 */
export async function writeUnnamed(
  db: Db,
  secrets: SecretSealer,
  { id: mirrorId, url }: { readonly id: number; readonly url: string },
  changes: NonNullable<MirrorChanges["credential"]>,
): Promise<void> {
  const { keyPair } = changes;
  const columns = {
    ...(await signInColumns(db, secrets, { mirrorId, isHttp: /^https?:/.test(url) }, changes)),
    ...(keyPair === null ? { private_key_sealed: null, private_key_key_id: null, public_key: null } : {}),
    ...(keyPair ? sealKeyPair(secrets, { mirrorId }, keyPair) : {}),
  };
  if (Object.keys(columns).length === 0) return;
  const isEmpty = Object.values(columns).every((value) => value === null);
  if (isEmpty) {
    await db
      .updateTable("credentials")
      .set({ ...columns, updated_at: sql`now()` })
      .where("mirror_id", "=", mirrorId)
      .execute();
    return;
  }
  await db
    .insertInto("credentials")
    .values({ mirror_id: mirrorId, ...columns })
    .onConflict((conflict) =>
      conflict.column("mirror_id").doUpdateSet({ ...columns, updated_at: sql`now()` }),
    )
    .execute();
}

/** The columns of user name and password that change. */
async function signInColumns(
  db: Db,
  secrets: SecretSealer,
  { mirrorId, isHttp }: { readonly mirrorId: number; readonly isHttp: boolean },
  { username, password }: NonNullable<MirrorChanges["credential"]>,
) {
  if (username === undefined && password === undefined) return {};
  const before = await db
    .selectFrom("credentials")
    .selectAll()
    .where("mirror_id", "=", mirrorId)
    .forUpdate()
    .executeTakeFirst();
  const seals = isHttp && typeof username === "string" && mayBeToken(username);
  if (!seals && !before?.sealed_username) {
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === null ? { password_sealed: null, password_key_id: null } : {}),
      ...(typeof password === "string" ? sealPassword(secrets, { mirrorId }, password) : {}),
    };
  }
  // The halves are sealed as one: the one that stays is read for it, unless both are given.
  const isWhole = username !== undefined && password !== undefined;
  const stored = before && !isWhole ? openUnlessLost(secrets, before, { mirrorId }) : {};
  const name = username === undefined ? (stored.username ?? null) : username;
  const word = password === undefined ? (stored.password ?? null) : password;
  if (isHttp && name !== null && mayBeToken(name)) {
    const sealed_username = word === null ? ("alone" as const) : ("with-password" as const);
    return {
      ...{ username: null, sealed_username },
      ...sealPassword(secrets, { mirrorId }, `${name}\n${word ?? ""}`),
    };
  }
  return {
    ...{ username: name, sealed_username: null },
    ...(word === null
      ? { password_sealed: null, password_key_id: null }
      : sealPassword(secrets, { mirrorId }, word)),
  };
}

/** Nothing where the key is lost: then what is given now is all that there is, and must not be refused for it. */
function openUnlessLost(
  secrets: SecretSealer,
  row: SignInRow,
  owner: SecretOwner,
): ReturnType<typeof openSignIn> {
  try {
    return openSignIn(secrets, row, owner);
  } catch (error) {
    if (error instanceof HeliostatError && error.code === "secret-unreadable") return {};
    throw error;
  }
}

/** The columns of a sealed password; they fit this owner's row only. */
export function sealPassword(
  secrets: SecretSealer,
  owner: SecretOwner,
  password: string,
): { password_sealed: Buffer; password_key_id: string } {
  const { keyId, sealed } = secrets.seal(password, passwordContext(owner));
  return { password_sealed: sealed, password_key_id: keyId };
}

/** The columns of an SSH key pair; its public half stays readable. */
export function sealKeyPair(
  secrets: SecretSealer,
  owner: SecretOwner,
  keyPair: { readonly publicKey: string; readonly privateKey: string },
): { private_key_sealed: Buffer; private_key_key_id: string; public_key: string } {
  return { ...sealPrivateKey(secrets, owner, keyPair.privateKey), public_key: keyPair.publicKey };
}

/** The columns of a private key alone, for a row that has the public one already. */
export function sealPrivateKey(
  secrets: SecretSealer,
  owner: SecretOwner,
  privateKey: string,
): { private_key_sealed: Buffer; private_key_key_id: string } {
  const { keyId, sealed } = secrets.seal(privateKey, privateKeyContext(owner));
  return { private_key_sealed: sealed, private_key_key_id: keyId };
}

/** The columns of the key of a mirror's client certificate; they fit that mirror's row only. */
export function sealClientKey(
  secrets: SecretSealer,
  mirrorId: number,
  privateKey: string,
): { client_key_sealed: Buffer; client_key_key_id: string } {
  const { keyId, sealed } = secrets.seal(privateKey, clientKeyContext(mirrorId));
  return { client_key_sealed: sealed, client_key_key_id: keyId };
}

/**
 * What a mirror's remote is opened by, read as one row; null when there is no such mirror. Of the secrets only those are
 * opened that it uses: another one may be lost without harm. `secret-unreadable` as it says.
 */
export async function readStoredRemote(
  db: Db,
  secrets: SecretSealer,
  mirrorId: number,
): Promise<StoredRemote | null> {
  const row = await db
    .selectFrom("mirrors")
    .leftJoin("credentials", (join) => join.on("credentials.id", "=", CREDENTIAL_ID))
    .select([
      ...(["mirrors.direction", "mirrors.url", "mirrors.auth_method", "mirrors.known_hosts"] as const),
      ...(["ca_certificates", "client_certificate", "client_key_sealed", "client_key_key_id"] as const),
      ...(["credentials.id as id", "credentials.mirror_id as mirror_id"] as const),
      ...(["username", "sealed_username"] as const),
      ...(["password_sealed", "password_key_id", "private_key_sealed", "private_key_key_id"] as const),
    ])
    .where("mirrors.id", "=", mirrorId)
    .executeTakeFirst();
  if (!row) return null;
  const owner = row.id === null || row.mirror_id !== null ? { mirrorId } : { credentialId: row.id };
  // It was parsed before it was stored, and nothing else writes this column.
  const remote = { url: row.url as RemoteUrl, authMethod: row.auth_method };
  const used = new Set(usedSecrets(remote));
  const clientKey = used.has("client_key")
    ? open(secrets, row.client_key_sealed, row.client_key_key_id, clientKeyContext(mirrorId))
    : undefined;
  const shown = {
    ...row,
    ...(used.has("password") ? {} : { password_sealed: null }),
    ...(used.has("ssh_key") ? {} : { private_key_sealed: null }),
  };
  return {
    ...remote,
    direction: row.direction,
    knownHosts: row.known_hosts,
    caCertificates: row.ca_certificates,
    clientCertificate: row.client_certificate,
    secret: {
      ...openCredential(secrets, shown, owner),
      ...(clientKey === undefined ? {} : { clientKey }),
    },
  };
}

/** What a row of credentials shows a remote, opened. `secret-unreadable` as it says. */
export function openCredential(
  secrets: SecretSealer,
  row: SignInRow & Record<"private_key_key_id", string | null> & Record<"private_key_sealed", Buffer | null>,
  owner: SecretOwner,
): Partial<RemoteCredential> {
  const privateKey = open(secrets, row.private_key_sealed, row.private_key_key_id, privateKeyContext(owner));
  return { ...openSignIn(secrets, row, owner), ...(privateKey === undefined ? {} : { privateKey }) };
}

type SignInRow = Record<"username" | "sealed_username" | "password_key_id", string | null> &
  Record<"password_sealed", Buffer | null>;

function openSignIn(
  secrets: SecretSealer,
  row: SignInRow,
  owner: SecretOwner,
): Partial<Pick<RemoteCredential, "username" | "password">> {
  const sealed = open(secrets, row.password_sealed, row.password_key_id, passwordContext(owner));
  if (row.sealed_username === null || sealed === undefined) {
    return {
      ...(row.username === null ? {} : { username: row.username }),
      ...(sealed === undefined ? {} : { password: sealed }),
    };
  }
  const [username = "", password = ""] = sealed.split("\n");
  return row.sealed_username === "alone" ? { username } : { username, password };
}

function open(
  secrets: SecretSealer,
  sealed: Buffer | null,
  keyId: string | null,
  context: string,
): string | undefined {
  return sealed === null || keyId === null ? undefined : secrets.open({ sealed, keyId }, context);
}
