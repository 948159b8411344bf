import type { Command } from "commander";
import { examples } from "../../server-command.ts";

/** Every option that a mirror's settings have; the other word of a pair (`--no-…`) takes it back. */
export function withEditOptions(command: Command): Command {
  return command
    .option("--enable", "let it run")
    .option("--disable", "let it rest")
    .option("--new-url <url>", "another remote; where you may not use its credential, it is taken away")
    .optionsGroup("What is mirrored:")
    .option("--branches <regex>", "only branches whose name matches this RE2 expression")
    .option("--only-protected", "only protected branches")
    .option("--all-branches", "all branches: takes the two above back")
    .option("--tags <which>", "all, none, or an RE2 expression")
    .option("--deletions <word>", "refs that the source no longer has: default (as GitLab), never or always")
    .option("--keep-divergent-refs", "push: leave refs alone that have diverged, and report them")
    .option("--no-keep-divergent-refs", "push: overwrite them")
    .option("--overwrite-diverged", "pull: overwrite branches that have diverged")
    .option("--no-overwrite-diverged", "pull: leave them, and report them")
    .option("--follow-default-branch", "pull: PROJECT's default branch follows that of the remote")
    .option("--no-follow-default-branch", "pull: it does not")
    .optionsGroup("When:")
    .option(
      "--interval <time>",
      "pull: look for changes so often, such as 90s, 5m or 2h; default: as the instance",
    )
    .option("--adaptive", "pull: look more often at what changes more often")
    .option("--no-adaptive", "pull: look at fixed intervals")
    .option("--trigger-builds", "pull: start the project's pipeline triggers for what changed")
    .option("--no-trigger-builds", "pull: start none")
    .optionsGroup("How it signs in:")
    .option("--username <name>", "user name for the remote")
    .option("--password-stdin", "read its password or token from standard input")
    .option("--no-password", "sign in as nobody: forget user name and password")
    .option("--credential <name>", "a named credential, by id or name (heliostat credential list)")
    .option("--no-credential", "use none any more")
    .option(
      "--ssh-key [type]",
      "sign in with a key pair: made for it, ed25519 (the default) or rsa, where it has none",
    )
    .option(
      "--new-ssh-key",
      "make another key pair; the remote must know its public key before it works again",
    )
    .option("--private-key <file>", "sign in with this private key; it has no passphrase")
    .optionsGroup("What it trusts:")
    .option(
      "--host-keys <file>",
      "what its SSH server must show, as known_hosts has it; - for standard input",
    )
    .option("--ca-certificates <file>", "PEM: trusted for this remote, beside those of the system")
    .option("--no-ca-certificates", "only those of the system")
    .option("--client-certificate <file>", "PEM: shown to the remote; needs --client-key")
    .option("--client-key <file>", "PEM: its key, without a passphrase")
    .option("--no-client-certificate", "show none any more")
    .addHelpText(
      "after",
      examples(
        "mirror edit root/hello pull --interval 5m --tags none",
        "mirror edit root/hello 2 --username bot --password-stdin < token.txt",
        "mirror edit root/hello push --disable",
      ),
    );
}
