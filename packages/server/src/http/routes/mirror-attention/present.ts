import type { MirrorOfAnyProjectAnswer } from "@heliostat/contract/api/mirror-attention.ts";
import type { MirrorOfAnyProject } from "../../../app/use-cases.ts";
import { presentMirror } from "../mirrors/present.ts";

/** A mirror with its project and why it waits, the weightiest reason first. */
export function presentMirrorOfAnyProject(
  { view, projectPath, reasons }: MirrorOfAnyProject,
  externalUrl: string,
): MirrorOfAnyProjectAnswer {
  return { ...presentMirror(view, externalUrl), project_path: projectPath, reasons: [...reasons] };
}
