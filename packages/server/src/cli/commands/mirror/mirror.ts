import type { Command } from "commander";
import type { CommonFlags } from "../../connection/api-access.ts";
import { addServerCommand, describeUse, examples, SERVER_HELP } from "../../server-command.ts";
import type { EditFlags } from "./edit-flags.ts";
import { withEditOptions } from "./edit-options.ts";
import type { AcceptFlags } from "./host-key-commands.ts";
import type { AddFlags } from "./mirror-flags.ts";

/** Declares the commands of `heliostat mirror`. What they do is loaded when one of them runs. */
export function declareMirror(mirror: Command): void {
  mirror.addHelpText("after", SERVER_HELP);

  addServerCommand(
    mirror,
    "add <project> <url>",
    "make a mirror of PROJECT, by id or full path, and start it",
  )
    .requiredOption("--direction <word>", "pull: PROJECT follows URL; push: URL follows PROJECT")
    .option("--branches <regex>", "only branches whose name matches this RE2 expression")
    .option("--only-protected", "only protected branches")
    .option("--tags <which>", "all (the default), none, or an RE2 expression")
    .option("--deletions <word>", "refs that the source no longer has: default (as GitLab), never or always")
    .option("--keep-divergent-refs", "push: leave refs alone that have diverged, and report them")
    .option("--overwrite-diverged", "pull: overwrite branches that have diverged")
    .option("--follow-default-branch", "pull: PROJECT's default branch follows that of URL")
    .option("--interval <time>", "pull: look for changes so often, such as 90s, 5m or 2h")
    .option("--adaptive", "pull: look more often at what changes more often")
    .option("--username <name>", "user name for URL")
    .option("--password-stdin", "read the password or token for URL from standard input")
    .option(
      "--ssh-key [type]",
      "ssh:// URL: sign in with a key pair made for it: ed25519 (the default) or rsa",
    )
    .option(
      "--host-keys <file>",
      "ssh:// URL: what its server must show, as known_hosts has it; - for standard input",
    )
    .option("--credential <name>", "a named credential for URL, by id or name (heliostat credential list)")
    .option("--disabled", "do not start it")
    .option("--wait", "wait for the end of the first update (exit code 1: it failed)")
    .addHelpText(
      "after",
      examples(
        "mirror add root/hello https://github.com/octocat/Hello-World.git --direction pull --interval 5m",
        "mirror add root/hello https://git.example.com/copy.git --direction push --username bot --password-stdin --wait < token.txt",
        "mirror add root/hello ssh://git@git.example.com/copy.git --direction push --ssh-key --host-keys keys.txt",
      ),
    )
    .action(async (project: string, url: string, flags: AddFlags) => {
      const { addMirror } = await import("./mirror-commands.ts");
      process.exitCode = await addMirror(project, url, flags);
    });

  withEditOptions(
    addServerCommand(
      mirror,
      "edit <project> <mirror>",
      `change a mirror; what is not named stays (${MIRROR})`,
    ),
  ).action(async (project: string, name: string, flags: EditFlags) => {
    const { editMirror } = await import("./mirror-commands.ts");
    process.exitCode = await editMirror(project, name, flags);
  });

  addServerCommand(mirror, "list [project]", "list the mirrors of PROJECT, or of all projects")
    .addHelpText("after", examples("mirror list root/hello"))
    .action(async (project: string | undefined, flags: CommonFlags) => {
      const { listMirrors } = await import("./mirror-commands.ts");
      process.exitCode = await listMirrors(project ?? null, flags);
    });

  addServerCommand(
    mirror,
    "show <project> <mirror>",
    `show state, options and last updates of a mirror (${MIRROR})`,
  )
    .addHelpText("after", examples("mirror show root/hello pull"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      const { showMirror } = await import("./mirror-commands.ts");
      process.exitCode = await showMirror(project, name, flags);
    });

  addServerCommand(mirror, "sync <project> <mirror>", `start an update now (${MIRROR})`)
    .option("--force", "also when the mirror is on pause after too many failures")
    .option("--wait", "wait for the end of the update (exit code 1: it failed)")
    .addHelpText("after", examples("mirror sync root/hello pull --wait"))
    .action(
      async (project: string, name: string, flags: CommonFlags & { force?: boolean; wait?: boolean }) => {
        const { syncMirror } = await import("./mirror-commands.ts");
        process.exitCode = await syncMirror(project, name, flags);
      },
    );

  addServerCommand(
    mirror,
    "explain <project> [mirror]",
    `say what a mirror waits for, and what to do (${MIRROR})`,
  )
    .addHelpText("after", examples("mirror explain root/hello pull"))
    .action(async (project: string, name: string | undefined, flags: CommonFlags) => {
      const { explainMirror } = await import("./insight-commands.ts");
      await explainMirror(project, name, flags);
    });

  addServerCommand(
    mirror,
    "preview <project> [mirror]",
    `show what an update would do now, and change nothing (${MIRROR})`,
  )
    .addHelpText(
      "after",
      describeUse("Exit codes: 0 shown, 1 an update would fail, 2 usage.", "mirror preview root/hello 2"),
    )
    .action(async (project: string, name: string | undefined, flags: CommonFlags) => {
      const { previewMirror } = await import("./insight-commands.ts");
      process.exitCode = await previewMirror(project, name, flags);
    });

  addServerCommand(
    mirror,
    "test <project> <mirror>",
    `say what a mirror can do at its remote, and change nothing (${MIRROR})`,
  )
    .addHelpText("after", examples("mirror test root/hello pull"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      const { testMirror } = await import("./mirror-commands.ts");
      process.exitCode = await testMirror(project, name, flags);
    });

  addServerCommand(mirror, "cancel <project> <mirror>", `end the update that runs (${MIRROR})`)
    .addHelpText("after", examples("mirror cancel root/hello 2"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      const { cancelUpdate } = await import("./mirror-commands.ts");
      process.exitCode = await cancelUpdate(project, name, flags);
    });

  addServerCommand(
    mirror,
    "remove <project> <mirror>",
    `remove a mirror; what it has mirrored stays (${MIRROR})`,
  )
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("mirror remove root/hello 2 --yes"))
    .action(async (project: string, name: string, flags: CommonFlags & { yes?: boolean }) => {
      const { removeMirror } = await import("./mirror-commands.ts");
      process.exitCode = await removeMirror(project, name, flags);
    });

  addServerCommand(
    mirror,
    "watch <project> [mirror]",
    "follow the update that runs, or else the next one, to its end",
  )
    .addHelpText(
      "after",
      describeUse(
        "Without MIRROR: the only one, or the only one that runs. Ctrl-C ends the watching, not the update. Exit codes: 0 it finished, 1 it failed, 130 Ctrl-C.",
        "mirror watch root/hello",
      ),
    )
    .action(async (project: string, name: string | undefined, flags: CommonFlags) => {
      const { watchMirror } = await import("./mirror-commands.ts");
      process.exitCode = await watchMirror(project, name, flags);
    });

  addSshCommands(mirror);
}

const HOST_KEYS_HELP = describeUse(
  "A mirror speaks to an SSH server only if it shows one of the stored keys. What detect prints is what answered: compare the fingerprints with those that the host publishes before you trust them.",
  "mirror host-keys detect root/hello ssh://git@git.example.com/hello.git > keys.txt",
  "mirror host-keys accept root/hello pull",
);

/** Adds what concerns SSH. */
function addSshCommands(mirror: Command): void {
  addServerCommand(
    mirror,
    "public-key <project> <mirror>",
    `print the public key that its remote must know (${MIRROR})`,
  )
    .addHelpText("after", examples("mirror public-key root/hello 2"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      const { showPublicKey } = await import("./host-key-commands.ts");
      process.exitCode = await showPublicKey(project, name, flags);
    });

  const hostKeys = mirror
    .command("host-keys")
    .description("look at, detect and accept the keys of SSH servers")
    .helpCommand(false)
    .addHelpText("after", HOST_KEYS_HELP);
  addServerCommand(
    hostKeys,
    "show <project> <mirror>",
    `show the stored host keys and who verified them (${MIRROR})`,
  )
    .addHelpText("after", examples("mirror host-keys show root/hello pull"))
    .action(async (project: string, name: string, flags: CommonFlags) => {
      const { showHostKeys } = await import("./host-key-commands.ts");
      process.exitCode = await showHostKeys(project, name, flags);
    });
  addServerCommand(hostKeys, "detect <project> <ssh-url>", "print what the server of an ssh:// URL shows")
    .addHelpText(
      "after",
      examples("mirror host-keys detect root/hello ssh://git@git.example.com/hello.git > keys.txt"),
    )
    .action(async (project: string, url: string, flags: CommonFlags) => {
      const { detectHostKeys } = await import("./host-key-commands.ts");
      process.exitCode = await detectHostKeys(project, url, flags);
    });
  addServerCommand(
    hostKeys,
    "accept <project> <mirror>",
    `store what its server shows now, and start it (${MIRROR})`,
  )
    .option("--fingerprint <sha256...>", "accept exactly these, and do not ask")
    .option("-y, --yes", "do not ask: trust whatever the server shows")
    .addHelpText("after", examples("mirror host-keys accept root/hello pull"))
    .action(async (project: string, name: string, flags: AcceptFlags) => {
      const { acceptHostKeys } = await import("./host-key-commands.ts");
      process.exitCode = await acceptHostKeys(project, name, flags);
    });
}

const MIRROR = 'by id, "pull" or "push"';
