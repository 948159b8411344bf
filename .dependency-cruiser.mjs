// The layers of docs/architecture.md, as rules. Each comment says what to do instead.
// scripts/check-layers.test.mjs breaks every rule once and expects it to be named: a rule that catches nothing is
// worse than none. Paths may have something before `packages/`, when node_modules is a link to another checkout's.

const TEST = String.raw`\.test(-support)?\.(ts|mjs)$|/test-support/`;
/** Hashing is arithmetic: no I/O, no state. */
const HASHING = "^(node:)?crypto$";
const STREAM = "^(node:)?stream$";
const CONTRACT = "(^|/)packages/contract/src/";
const SERVER = "^packages/server/src";
/** Implement ports and know nothing of each other. `jobs` is a door as well: it may call use cases. */
const ADAPTERS = "git|remotes|db|secrets|mail|oidc|lfs";
const DOORS = "http|ssh|jobs|cli";
/** The only files that join everything. */
const ENTRIES = `${SERVER}/compose/`;

/** @type {import("dependency-cruiser").IConfiguration} */
const layers = {
  forbidden: [
    {
      name: "domain-is-pure",
      comment:
        "domain/ may import domain/, the contract, re2js, otpauth, and node:crypto for digests. Take what I/O, clock or database would tell as an argument; " +
        "a use case in app/ gets it through a port.",
      severity: "error",
      from: { path: `${SERVER}/domain/`, pathNot: TEST },
      to: { pathNot: [`${SERVER}/domain/`, CONTRACT, HASHING, "node_modules/(re2js|otpauth)/"] },
    },
    {
      name: "app-knows-ports-only",
      comment:
        "app/ may import app/, domain/ and the contract. State what the use case needs in app/ports.ts, let an adapter " +
        "implement it, and join the two in compose/.",
      severity: "error",
      from: { path: `${SERVER}/app/`, pathNot: TEST },
      to: { pathNot: [`${SERVER}/(app|domain)/`, CONTRACT, HASHING, STREAM] },
    },
    {
      name: "app-streams-are-types",
      comment:
        "A use case passes streams on and makes none. Write `import type`; what reads or writes is an adapter.",
      severity: "error",
      from: { path: `${SERVER}/app/`, pathNot: TEST },
      to: { path: STREAM, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "adapters-are-strangers",
      comment:
        "Adapters do not know each other. Move what both need to domain/, or have the use case in app/ call one and " +
        "then the other.",
      severity: "error",
      from: { path: `${SERVER}/(${ADAPTERS}|jobs)/`, pathNot: TEST },
      to: { path: `${SERVER}/(${ADAPTERS}|jobs)/`, pathNot: `${SERVER}/$1/` },
    },
    {
      name: "adapters-know-ports-not-use-cases",
      comment:
        "An adapter implements a port; it does not call use cases. Import only app/ports.ts, or turn the call round: " +
        "the use case calls the adapter.",
      severity: "error",
      from: { path: `${SERVER}/(${ADAPTERS}|exec)/`, pathNot: TEST },
      to: { path: `${SERVER}/app/`, pathNot: `${SERVER}/app/(ports|git-exchange)\\.ts$` },
    },
    {
      name: "ports-are-types",
      comment: "app/ports.ts holds types only. Write `import type`, and keep values out of it.",
      severity: "error",
      from: { path: `${SERVER}/`, pathNot: [TEST, `${SERVER}/app/`] },
      to: { path: `${SERVER}/app/(ports|git-exchange)\\.ts$`, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "adapters-know-no-door",
      comment:
        "An adapter knows nothing of requests or commands. Pass in what it needs, or declare it in domain/ or app/ports.ts.",
      severity: "error",
      from: { path: `${SERVER}/(${ADAPTERS}|exec|config)/`, pathNot: TEST },
      to: { path: `${SERVER}/(${DOORS})/` },
    },
    {
      name: "doors-call-use-cases",
      comment:
        "A door (http, ssh, jobs, cli) calls app/, never an adapter. Write a use case and give it the adapter in compose/.",
      severity: "error",
      from: { path: `${SERVER}/(${DOORS})/`, pathNot: [TEST, ENTRIES] },
      to: { path: `${SERVER}/(${ADAPTERS}|exec)/`, pathNot: `${SERVER}/$1/` },
    },
    {
      name: "doors-are-strangers",
      comment:
        "Doors do not know each other. What two doors share is a use case in app/, or a word in the contract.",
      severity: "error",
      from: { path: `${SERVER}/(${DOORS})/`, pathNot: [TEST, ENTRIES] },
      to: { path: `${SERVER}/(${DOORS})/`, pathNot: `${SERVER}/$1/` },
    },
    {
      name: "exec-for-git-and-database",
      comment:
        "Only git/, db/embedded and ssh/ start processes, through exec/. Add a verb to git/ and a port for it in app/ports.ts.",
      severity: "error",
      from: {
        path: `${SERVER}/`,
        pathNot: [TEST, ENTRIES, `${SERVER}/(exec|git|ssh)/`, `${SERVER}/db/embedded`],
      },
      to: { path: `${SERVER}/exec/` },
    },
    {
      name: "exec-starts-processes",
      comment:
        "Only exec/ imports node:child_process. Use exec/run: it builds the environment and kills the group.",
      severity: "error",
      from: { path: "^packages/(server|contract|web)/src/", pathNot: [TEST, `${SERVER}/exec/`] },
      to: { path: "^(node:)?child_process$" },
    },
    {
      name: "exec-knows-domain-only",
      comment: "exec/ may import domain/ and the contract. What else it needs is an argument.",
      severity: "error",
      from: { path: `${SERVER}/exec/`, pathNot: TEST },
      to: { path: `${SERVER}/`, pathNot: `${SERVER}/(exec|domain)/` },
    },
    {
      name: "config-reads-only",
      comment:
        "config/ reads and validates; it may import domain/ and the contract. Whoever acts on a setting is given it.",
      severity: "error",
      from: { path: `${SERVER}/config/`, pathNot: TEST },
      to: { path: `${SERVER}/`, pathNot: `${SERVER}/(config|domain)/` },
    },
    {
      name: "config-is-handed-over",
      comment:
        "Only the entries read the configuration. Take the value as an argument; `import type` is fine.",
      severity: "error",
      from: { path: `${SERVER}/`, pathNot: [TEST, ENTRIES, `${SERVER}/(config|cli)/`] },
      to: { path: `${SERVER}/config/`, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "nobody-imports-an-entry",
      comment: "compose/ joins everything and only cli/ imports it. Move what you need out of it.",
      severity: "error",
      from: { path: "^packages/", pathNot: [TEST, ENTRIES, `${SERVER}/cli/`] },
      to: { path: ENTRIES },
    },
    {
      name: "contract-stands-alone",
      comment: "The contract is schemas and words, for browser and server: only its own files and zod.",
      severity: "error",
      from: { path: "^packages/contract/src/", pathNot: TEST },
      to: { pathNot: [CONTRACT, "node_modules/zod/"] },
    },
    {
      name: "web-sees-the-contract-only",
      comment:
        "The UI sees the contract and packages for the browser. Put what it shares with the server into the contract.",
      severity: "error",
      from: { path: "^packages/web/src/", pathNot: TEST },
      to: { path: "(^|/)packages/server/" },
    },
    {
      name: "web-runs-in-a-browser",
      comment: "Node's modules do not exist in a browser.",
      severity: "error",
      from: { path: "^packages/web/src/", pathNot: TEST },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "nobody-imports-the-web",
      comment: "The server serves the built UI as files. What both need belongs in the contract.",
      severity: "error",
      from: { path: "^packages/(server|contract)/" },
      to: { path: "(^|/)packages/web/" },
    },
    {
      name: "tests-stay-outside",
      comment: "What runs in production imports no test and nothing of test/. Move what both need into src/.",
      severity: "error",
      from: { path: "^packages/[^/]+/(src|bin)/", pathNot: TEST },
      to: { path: ["(^|/)test/(support|scenarios|fixtures)/", TEST] },
    },
    {
      name: "packages-are-declared",
      comment:
        "A package that the program needs at run time belongs under dependencies in its own package.json.",
      severity: "error",
      from: { path: "^packages/(server|contract)/(src|bin)/", pathNot: TEST },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-circular",
      comment:
        "Two files that need each other are one, or lack a third. Move the shared part into a file of its own.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "not-to-unresolvable",
      comment:
        "This import leads nowhere. Is the file committed, the ending .ts written, the package in package.json?",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^packages/web/dist/" },
    moduleSystems: ["es6"],
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".mjs", ".js"],
    },
  },
};

export default layers;
