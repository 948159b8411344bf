import { spawn } from "node:child_process";
import { GIT_ENV } from "../test/support/repositories.ts";

/**
 * User and system time in milliseconds of one of so many commands in a shell, with all that they started and waited for:
 * `times` counts what has ended.
 */
export async function cpuOf(
  cwd: string,
  script: string,
  commands: number,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn("bash", ["-c", `set -e; ${script}; times`], {
    cwd,
    env: { ...GIT_ENV, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) stdout += chunk;
  // The second line is the children's: `0m0.123s 0m0.045s`.
  const [, children = ""] = stdout.trim().split("\n");
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  if (times.length !== 2) throw new Error(`the shell did not tell its times: ${stdout}`);
  return (times.reduce((sum, seconds) => sum + seconds, 0) * 1_000) / commands;
}
