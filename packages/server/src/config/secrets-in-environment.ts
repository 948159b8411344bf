/** Variables whose whole value is a secret: ours, and those of PostgreSQL's client. */
const SECRET = /^(?:HELIOSTAT_\w*(?:PASSWORD|TOKEN|SECRET)|PGPASSWORD)$/;
/** Variables that may hold a URL with a secret in it; other programs' proxies have small letters, too. */
const URL_VARIABLE = /^(?:HELIOSTAT_\w*URL|\w+_PROXY)$/i;

/**
 * The secrets that this process was started with, for whatever it prints or logs: passwords, tokens, and what stands
 * in the URLs of database, mail server and proxies, as it is written there and decoded. The name of a file is none.
 */
export function secretsInEnvironment(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const secrets = Object.entries(env).flatMap(([name, value = ""]) => {
    if (SECRET.test(name)) return [value];
    return URL_VARIABLE.test(name) ? secretsInUrl(value) : [];
  });
  return [...new Set(secrets)].filter((secret) => secret !== "");
}

/** `secretsInEnvironment` of the environment that this process was started with. */
export function readProcessSecrets(): readonly string[] {
  return secretsInEnvironment(process.env);
}

function secretsInUrl(text: string): readonly string[] {
  if (!URL.canParse(text)) return [];
  const { username, password, searchParams } = new URL(text);
  const inQuery = [...searchParams].filter(([name]) => /password|secret|token/i.test(name));
  const [user, secret] = [decode(username), decode(password)];
  return [
    ...(password === "" ? [] : [password, secret, `${user}:${secret}`]),
    ...inQuery.map(([, value]) => value),
  ];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
