import { startGitHttpPeer } from "../test/support/git-http-peer.ts";

/**
 * The other host of every benchmark, in a process of its own: what it does must not count as the measuring process's
 * time. Started with the directory of its repositories; says its URL, and ends with its parent.
 */
const [root] = process.argv.slice(2);
if (root === undefined || !process.send) throw new Error("started by bench/stage.ts only");
const peer = await startGitHttpPeer({ root });
process.on("disconnect", () => process.exit());
process.send(peer.url);
