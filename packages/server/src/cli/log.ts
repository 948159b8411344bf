import { pino } from "pino";
import type { Log } from "../app/ports.ts";

/** The structured log on standard output: JSON lines, or readable ones on a terminal. */
export function createLog(level: string): Log {
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stdout.isTTY) return pino(base);
  return pino({
    ...base,
    transport: {
      target: "pino-pretty",
      options: { translateTime: "SYS:HH:MM:ss.l", ignore: "pid,hostname" },
    },
  });
}
