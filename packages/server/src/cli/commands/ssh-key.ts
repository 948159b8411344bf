import { type SshKeyAnswer, sshKeySchema } from "@heliostat/contract/api/ssh-keys.ts";
import type { Command } from "commander";
import { type CommonFlags, connect } from "../connection/api-access.ts";
import type { ApiClient } from "../connection/api-client.ts";
import { findByIdOrName } from "../connection/find.ts";
import { given, readTextFile } from "../parse-options.ts";
import { addServerCommand, examples, SERVER_HELP } from "../server-command.ts";
import { confirmRemoval } from "../terminal/confirm-removal.ts";
import { formatTime } from "../terminal/format-time.ts";
import { plain } from "../terminal/plain.ts";
import { printAnswer } from "../terminal/print.ts";
import { table } from "../terminal/table.ts";

interface KeyFlags extends CommonFlags {
  readonly user?: string;
}

interface AddFlags extends KeyFlags {
  readonly title?: string;
  readonly expires?: string;
}

/** Declares the commands of `heliostat ssh-key`. */
export function declareSshKey(sshKey: Command): void {
  sshKey.addHelpText("after", SERVER_HELP);

  addServerCommand(sshKey, "list", "list your SSH keys")
    .option("--user <user>", "those of somebody else, by user name or id")
    .addHelpText("after", examples("ssh-key list", "ssh-key list --user ada"))
    .action(async (flags: KeyFlags) => {
      const api = await connect(flags);
      const answers = await api.list(keysPath(flags.user));
      printAnswer(flags, answers, () => describeKeys(sshKeySchema.array().parse(answers)));
    });

  addServerCommand(sshKey, "add <file>", "add the public key of a file; - for standard input")
    .option("--title <text>", "what it is called; its comment, unless told")
    .option("--expires <when>", "day (2030-01-31) or time from which it opens nothing; never, unless told")
    .option("--user <user>", "for somebody else, by user name or id; for admins")
    .addHelpText("after", examples("ssh-key add ~/.ssh/id_ed25519.pub --title laptop"))
    .action(async (file: string, flags: AddFlags) => {
      const key = (await readTextFile("FILE", file)).trim();
      const api = await connect(flags);
      const answer = await api.call("POST", keysPath(flags.user), {
        key,
        title: flags.title ?? titleOf(key),
        ...given({ expires_at: flags.expires }),
      });
      printAnswer(flags, answer, () => {
        const { id, title, fingerprint_sha256 } = sshKeySchema.parse(answer);
        return `SSH key ${id} added: ${plain(title)} (${fingerprint_sha256})`;
      });
    });

  addServerCommand(sshKey, "remove <key>", "remove a key, by id or title")
    .option("--user <user>", "of somebody else, by user name or id; for admins")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("ssh-key remove laptop"))
    .action(async (name: string, flags: KeyFlags & { readonly yes?: boolean }) => {
      const api = await connect(flags);
      const answer = await findKey(api, keysPath(flags.user), name);
      const { id, title, fingerprint_sha256 } = answer;
      const what = `SSH key ${id}: ${plain(title)} (${fingerprint_sha256})`;
      if (!(await confirmRemoval(flags, what, "Remove it?"))) return;
      await api.call("DELETE", `${keysPath(flags.user)}/${id}`);
      printAnswer(flags, answer, () => `SSH key ${id} removed: ${plain(title)}`);
    });
}

function keysPath(user: string | undefined): string {
  return user === undefined ? "/user/keys" : `/users/${encodeURIComponent(user)}/keys`;
}

async function findKey(api: ApiClient, path: string, name: string): Promise<SshKeyAnswer> {
  const keys = sshKeySchema.array().parse(await api.list(path));
  return findByIdOrName("SSH key", name, keys, ({ title }) => title);
}

/** The comment of a public key. */
export function titleOf(key: string): string {
  return key.split(/\s+/).slice(2).join(" ") || "unnamed";
}

function describeKeys(keys: readonly SshKeyAnswer[]): string {
  if (keys.length === 0) return "There are no SSH keys.";
  return table([
    ["ID", "TITLE", "FINGERPRINT", "ADDED", "EXPIRES", "LAST USED"],
    ...keys.map((each) => [
      String(each.id),
      each.title,
      each.fingerprint_sha256,
      formatTime(each.created_at),
      formatTime(each.expires_at),
      formatTime(each.last_used_at),
    ]),
  ]);
}
