import type { Command } from "commander";
import { describeUse } from "../../server-command.ts";

/** Declares `heliostat sync`. */
export function declareSync(command: Command): void {
  command
    .argument("<source>", "repository to mirror: a path or a URL")
    .argument(
      "<target>",
      "repository that follows it: the path of a bare repository, made when absent, or a URL",
    )
    .option("--json", "print one JSON document instead of lines")
    .option("--dry-run", "show what would change, and change no ref")
    .option("--keep-divergent-refs", "leave refs of the target alone that have diverged (exit code 1)")
    .option("--branches <regex>", "only branches whose name matches this RE2 expression; tags always follow")
    .addHelpText(
      "after",
      describeUse(
        "Exit codes: 0 in step, 1 failed or diverged, 2 usage.",
        "sync https://github.com/octocat/Hello-World.git /backup/hello.git --dry-run",
      ),
    )
    .action(
      async (
        source: string,
        target: string,
        options: { json?: boolean; dryRun?: boolean; keepDivergentRefs?: boolean; branches?: string },
      ) => {
        const { sync } = await import("./sync.ts");
        process.exitCode = await sync(source, target, {
          json: options.json ?? false,
          dryRun: options.dryRun ?? false,
          keepDivergentRefs: options.keepDivergentRefs ?? false,
          branches: options.branches ?? null,
        });
      },
    );
}
