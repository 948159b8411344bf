import type { ListedRefs } from "../collected-refs.ts";
import type { RemoteLimits } from "../limits.ts";
import { createRefsDialogue } from "../refs-dialogue.ts";
import type { Conversation } from "../smart-http.ts";
import { withProgressLimit } from "../time-limit.ts";
import { commandOf } from "./ssh-command.ts";
import type { SshConnections } from "./ssh-connections.ts";
import { converseOver } from "./ssh-conversation.ts";

/** Lists refs over SSH: a channel of a kept connection each time. */
export function createSshListRefs({
  connections,
  limits,
  userAgent,
}: {
  connections: SshConnections;
  limits: RemoteLimits;
  userAgent: string;
}): (listing: Conversation) => Promise<ListedRefs> {
  return async (listing) => {
    const { remote, signal, stallMs = limits.idleMs } = listing;
    return await withProgressLimit(
      { ms: stallMs, signal, what: "listing the remote's refs" },
      async (limited, watch) => {
        const command = commandOf("git-upload-pack", remote.url);
        // Has limits of its own.
        const channel = await watch.exempt(
          connections.run(remote, command, { signal: limited, isTransfer: false }),
        );
        const stream = converseOver(channel, remote, limited);
        const { promise, resolve, reject } = Promise.withResolvers<ListedRefs>();
        const dialogue = createRefsDialogue(
          listing,
          { limits, userAgent },
          { say: (text) => stream.write(text), sayGoodbye: (text) => stream.end(text) },
        );
        const attempt = (step: () => void) => {
          try {
            step();
          } catch (error) {
            reject(error);
          }
        };
        stream.on("data", (chunk: Buffer) => {
          watch.moved();
          attempt(() => dialogue.push(chunk));
          const listed = dialogue.listed();
          if (listed !== null) resolve(listed);
        });
        stream.once("end", () => attempt(dialogue.end));
        stream.on("error", reject);
        try {
          return await promise;
        } finally {
          stream.destroy();
        }
      },
    );
  };
}
