/** What stands for a password beside a token that is the user name: `https://ghp_…:x-oauth-basic@host`. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  "",
  "-",
  "x",
  "x-oauth-basic",
  "x-token-auth",
  "x-access-token",
]);

/** User names that everybody has, and that stand beside a token in the password. */
const PUBLIC_NAMES: ReadonlySet<string> = new Set([
  "gitlab-ci-token",
  "x-access-token",
  "x-oauth-basic",
  "x-token-auth",
]);

/** The shortest token of any host that takes one for a user name. */
const MIN_SEALED_LENGTH = 16;

/** Whether a user name for an HTTP remote may be a token, and is kept like one. */
export function mayBeToken(username: string): boolean {
  return username.length >= MIN_SEALED_LENGTH && !PUBLIC_NAMES.has(username) && !username.includes("@");
}

/** A token is longer; a shorter name would eat ordinary words of a message. */
const MIN_TOKEN_LENGTH = 8;

/**
 * What of the credential of an HTTP remote must not be shown: a token may stand in either half. A user name is public
 * only beside a password that is one, and then when it is too short for a token, or everybody's.
 */
export function credentialSecrets(username: string, password: string): readonly string[] {
  if (username === "" && password === "") return [];
  const hasPassword = !PLACEHOLDERS.has(password.toLowerCase());
  const isPublic = hasPassword && (username.length < MIN_TOKEN_LENGTH || PUBLIC_NAMES.has(username));
  return [
    ...(isPublic ? [] : [username]),
    ...(hasPassword ? [password] : []),
    // What Basic authentication encodes.
    `${username}:${password}`,
  ].filter((secret) => secret !== "");
}
