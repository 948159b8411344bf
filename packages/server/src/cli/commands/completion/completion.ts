import type { Command } from "commander";
import type { MakeWhole } from "../../declare-command.ts";
import { parseWord } from "../../parse-options.ts";
import { examples, prose } from "../../server-command.ts";
import { tableOf } from "./command-table.ts";
import { completionScript, SHELLS } from "./completion-script.ts";

/** Declares `heliostat completion`, which describes the whole command line. */
export function declareCompletion(command: Command, makeWhole: MakeWhole): void {
  command
    .argument("<shell>", SHELLS.join(", "))
    .addHelpText(
      "after",
      `${prose("It completes commands, options, files, and the names of projects, groups and users, which it asks of the server. Add it to what your shell reads at its start:")}

  bash  echo 'source <(heliostat completion bash)' >> ~/.bashrc
  zsh   echo 'source <(heliostat completion zsh)' >> ~/.zshrc
  fish  heliostat completion fish > ~/.config/fish/completions/heliostat.fish
${examples("completion bash")}`,
    )
    .action(async (shell: string) => {
      const known = parseWord("SHELL", shell, SHELLS);
      process.stdout.write(await completionScript(known, tableOf(await makeWhole())));
    });
}
