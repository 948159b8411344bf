import { pino } from "pino";
import type { Log } from "../../app/ports.ts";
import { createRedactor } from "../../domain/redact.ts";
import { fieldsForLog } from "./log-fields.ts";

/**
 * The structured log on standard output: JSON lines, or readable ones on a terminal. Whoever logs outside text has
 * redacted it; this is the last fence, for these secrets, for userinfo in URLs, and for what hangs on errors.
 */
export function createLog(level: string, secrets: readonly string[]): Log {
  const hide = createRedactor(secrets);
  const base = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: (fields: object) => fieldsForLog(fields, hide) },
    serializers: { err: (described: unknown) => described },
  };
  if (!process.stdout.isTTY) return pino(base);
  return pino({
    ...base,
    transport: {
      target: "pino-pretty",
      options: { translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname" },
    },
  });
}
