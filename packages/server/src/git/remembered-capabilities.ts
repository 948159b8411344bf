import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { absent } from "./ref-files.ts";

/**
 * What git answers to a client that fetches by version 2 of the protocol, before it asks for anything: capabilities, and
 * nothing of the refs. They follow from git, from what it is started with, which is always the same here, and from the
 * repository's configuration; so git is asked once for each text of that.
 */
export interface RememberedCapabilities {
  /** As git says it now, or said it lately of a repository with the same configuration. */
  read(path: string, ask: () => Promise<Buffer>): Promise<Buffer>;
}

/** Somebody may put another git in the place of this one meanwhile. */
const LIFETIME_MS = 60_000;
/** Almost all repositories have one of two. */
const MOST = 50;
/** A longer one has more in it than we write. */
const MOST_BYTES = 4_096;
/** The rest of it is in other files. */
const ELSEWHERE = /include|worktreeconfig/i;

/**
 * Remembers by the text of the configuration, for a minute; one that leads to other files, or is long, is asked for
 * each time.
 */
export function createRememberedCapabilities(now = () => performance.now()): RememberedCapabilities {
  const known = new Map<string, { readonly answer: Buffer; readonly until: number }>();
  return {
    async read(path, ask) {
      const config = await readFile(join(path, "config"), "latin1").catch(absent);
      if (config === null || config.length > MOST_BYTES || ELSEWHERE.test(config)) return await ask();
      const remembered = known.get(config);
      if (remembered !== undefined && remembered.until > now()) return remembered.answer;
      const answer = await ask();
      if (known.size >= MOST) known.clear();
      known.set(config, { answer, until: now() + LIFETIME_MS });
      return answer;
    },
  };
}
