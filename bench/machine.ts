import { cpus, release, totalmem } from "node:os";
import { git } from "../test/support/repositories.ts";

/** One line on what the figures were measured with: they compare with others of the same line only. */
export async function describeMachine(): Promise<string> {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  const gitVersion = (await git("/", ["--version"])).replace("git version ", "git ");
  return [
    `${cpus().length} × ${cpu?.model.trim() ?? "unknown processor"}`,
    `${memory} GB`,
    `${process.platform} ${release()}`,
    `Node ${process.versions.node}`,
    gitVersion,
  ].join(", ");
}
