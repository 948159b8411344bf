import type { DeclareCommand } from "./declare-command.ts";

/** One command below `heliostat`. `load` gives what declares its options and subcommands on the command. */
export interface CommandGroup {
  readonly name: string;
  /** Of a command that acts by itself: what it takes, for `--help`. */
  readonly usage?: string;
  readonly description: string;
  /** Under which heading the list of commands has it; null: it is for programs, and not listed. */
  readonly heading: string | null;
  readonly load: () => Promise<DeclareCommand>;
}

const SERVER = "Run a server:";
const MIRRORING = "Mirror:";
const HOSTING = "Repositories and people:";
const HERE = "You:";

/**
 * All commands, in the order of `heliostat --help`. Nothing of a command is loaded before it is asked for: `--help` and
 * completion have to be quick, and `sync` must not pay for the server.
 */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    name: "serve",
    description: "run the server: UI, API, Git over HTTP, and the mirrors",
    heading: SERVER,
    load: async () => (await import("./commands/serve-command.ts")).declareServe,
  },
  {
    name: "config",
    description: "print the configuration and where each value comes from, with secrets masked",
    heading: SERVER,
    load: async () => (await import("./commands/config.ts")).declareConfig,
  },
  {
    name: "doctor",
    description: "say what is wrong with this server and its mirrors, and what to do about it",
    heading: SERVER,
    load: async () => (await import("./commands/doctor.ts")).declareDoctor,
  },
  {
    name: "admin",
    description: "look after a server: passwords, tokens, keys that seal secrets",
    heading: SERVER,
    load: async () => (await import("./commands/admin/admin.ts")).declareAdmin,
  },
  {
    name: "settings",
    description: "show and change the settings of the instance",
    heading: SERVER,
    load: async () => (await import("./commands/settings.ts")).declareSettings,
  },
  {
    name: "mirror",
    description: "set up, change, start and follow mirrors",
    heading: MIRRORING,
    load: async () => (await import("./commands/mirror/mirror.ts")).declareMirror,
  },
  {
    name: "updates",
    description: "the history of a mirror: what became of each ref, and why",
    heading: MIRRORING,
    load: async () => (await import("./commands/updates.ts")).declareUpdates,
  },
  {
    name: "credential",
    description: "keep named credentials, which any number of mirrors may use",
    heading: MIRRORING,
    load: async () => (await import("./commands/credential/credential.ts")).declareCredential,
  },
  {
    name: "sync",
    usage: "[options] <source> <target>",
    description: "make TARGET follow SOURCE once, without a server (paths or URLs)",
    heading: MIRRORING,
    load: async () => (await import("./commands/sync/sync-command.ts")).declareSync,
  },
  {
    name: "project",
    description: "make, change and remove projects; their members and protected refs",
    heading: HOSTING,
    load: async () => (await import("./commands/project.ts")).declareProject,
  },
  {
    name: "hook",
    description: "webhooks: who is told of what happens in a project, and what came back",
    heading: HOSTING,
    load: async () => (await import("./commands/hook.ts")).declareHook,
  },
  {
    name: "group",
    description: "make, change and remove groups, and their members",
    heading: HOSTING,
    load: async () => (await import("./commands/group.ts")).declareGroup,
  },
  {
    name: "user",
    description: "look at users; for admins: make, change, block and remove them",
    heading: HOSTING,
    load: async () => (await import("./commands/user.ts")).declareUser,
  },
  {
    name: "ssh-key",
    description: "keys with which people fetch and push over SSH",
    heading: HOSTING,
    load: async () => (await import("./commands/ssh-key.ts")).declareSshKey,
  },
  {
    name: "deploy-key",
    description: "keys that open one project over SSH",
    heading: HOSTING,
    load: async () => (await import("./commands/deploy-key.ts")).declareDeployKey,
  },
  {
    name: "token",
    description: "access tokens: yours, of a project, or of a group",
    heading: HOSTING,
    load: async () => (await import("./commands/token.ts")).declareToken,
  },
  {
    name: "login",
    usage: "[options] [url]",
    description: "sign in to a server, and remember it",
    heading: HERE,
    load: async () => (await import("./commands/login.ts")).declareLogin,
  },
  {
    name: "logout",
    usage: "[options] [url]",
    description: "forget a server and its token",
    heading: HERE,
    load: async () => (await import("./commands/login.ts")).declareLogout,
  },
  {
    name: "whoami",
    description: "say which server is spoken to, as whom, and what the token may do",
    heading: HERE,
    load: async () => (await import("./commands/login.ts")).declareWhoami,
  },
  {
    name: "completion",
    usage: "<shell>",
    description: "print a script that lets bash, zsh or fish complete commands",
    heading: HERE,
    load: async () => (await import("./commands/completion/completion.ts")).declareCompletion,
  },
  {
    name: "complete-names",
    usage: "<kind> [prefix]",
    description: "print the names of what is there, for a shell that completes one",
    heading: null,
    load: async () => (await import("./commands/completion/complete-names.ts")).declareCompleteNames,
  },
];
