#!/usr/bin/env node
// npm start, npm test, npm run dev and npm run bench come through here. This is all that the machine's own Node runs
// (18 or newer, so plain JavaScript without packages): it makes the workspace ready and hands over to the pinned Node.
//
// package.json calls it as `exec "${npm_node_execpath:-node}" …`. npm puts node_modules/.bin first on PATH, and the
// `node` in there may be broken or made for another platform; and without `exec` the shell between npm and us dies of
// a SIGTERM and passes nothing on.

const OLDEST_NODE = 18;
const own = Number(process.versions.node.split(".")[0]);
if (own < OLDEST_NODE) {
  console.error(
    `Heliostat: this is Node ${process.versions.node}; ${OLDEST_NODE} or newer is needed to start.`,
  );
  process.exit(1);
}

// Imported only now: what follows does not load in a Node too old to be told so.
const { launch } = await import("./launch-commands.mjs");
await launch(process.argv.slice(2));
