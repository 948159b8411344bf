import { access, writeFile } from "node:fs/promises";
import { type RunningServer, startServer } from "../../compose/start-server.ts";
import { readCaFile } from "../../config/read-ca-file.ts";
import { readProcessSecrets } from "../../config/secrets-in-environment.ts";
import { readProcessSettings } from "../../config/settings.ts";
import { formatInitialSecrets, initialSecretsPath } from "../initial-secrets.ts";
import { createLog } from "../log/log.ts";
import { CHECKOUT_DIR, WEB_ROOT } from "../places.ts";

/**
 * Runs the server until a signal ends it or it breaks. Answers the exit code. With `check`, it goes no further than to
 * load the program and the configuration.
 */
export async function serve(options: { check: boolean }): Promise<number> {
  const settings = readProcessSettings({ checkoutDir: CHECKOUT_DIR });
  if (options.check) {
    readCaFile(settings);
    console.log("The configuration can be used.");
    return 0;
  }
  const log = createLog(settings.logLevel, readProcessSecrets());
  const signal = nextSignal();
  const secretsPath = initialSecretsPath(settings.dataDir);
  const server = await startServer(settings, log, {
    webRoot: WEB_ROOT,
    keepSecrets: (madeUp) =>
      writeFile(secretsPath, formatInitialSecrets(madeUp), { mode: 0o600, flush: true }),
  });
  // Also at later starts, for as long as nobody has deleted it.
  const hasSecretsFile = await access(secretsPath).then(
    () => true,
    () => false,
  );
  console.log(welcome(server, hasSecretsFile ? secretsPath : null));

  const reason = await Promise.race([signal, server.broken]);
  if (reason instanceof Error) log.error({ err: reason }, "the server cannot go on");
  else log.info({ signal: reason }, "shutting down");
  await server.stop();
  return reason instanceof Error ? 1 : 0;
}

function nextSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      resolve(signal);
      // The second time means now.
      process.once(signal, () => process.exit(1));
    });
  }
  return promise;
}

function welcome({ url, ssh }: Pick<RunningServer, "url" | "ssh">, secretsPath: string | null): string {
  const lines = [
    `Heliostat is ready: ${url}`,
    secretsPath === null
      ? "  User      root"
      : `  User      root; password and API token are in ${secretsPath}`,
    '  Mirror    curl -H "PRIVATE-TOKEN: <token>" --data-urlencode import_url=https://example.com/repo.git \\',
    `              -d name=repo -d mirror=true ${url}/api/v4/projects`,
    ...(ssh === null ? [] : [`  SSH       git@${ssh.host}`]),
    ...(ssh?.keys ?? []).map((key) => `            ${key.fingerprintSha256} (${key.algorithm})`),
  ];
  return `\n${lines.join("\n")}\n`;
}
