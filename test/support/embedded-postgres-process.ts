import { startEmbeddedPostgres } from "../../packages/server/src/db/embedded/start-embedded-postgres.ts";

/*
 * A server that is nothing but its database, for tests that kill it: `node embedded-postgres-process.ts DATA_DIR`.
 * Says what happens in lines of JSON; on standard input `stop` ends it well, `exit` without stopping the database.
 */

const say = (event: string, fields: object) => console.log(JSON.stringify({ event, ...fields }));
const logAs = (level: string) => (fields: object, message: string) =>
  say("log", { level, message, ...fields });
const log = { debug: logAs("debug"), info: logAs("info"), warn: logAs("warn"), error: logAs("error") };

try {
  const database = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? "", log });
  process.stdin.setEncoding("utf8").on("data", async (text: string) => {
    if (text.includes("stop")) await database.stop();
    process.exit(0);
  });
  say("ready", { connection: database.connection, version: database.version, isAdopted: database.isAdopted });
} catch (error) {
  const code = error instanceof Error && "code" in error ? error.code : null;
  say("failed", { code, message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
