import type { MirrorOfAnyProjectAnswer } from "@heliostat/contract/api/mirror-attention.ts";
import type { MirrorOfAnyProject } from "../../../app/use-cases.ts";
import { presentMirror } from "../mirrors/present.ts";

export function presentMirrorOfAnyProject(
  { view, projectPath, reasons }: MirrorOfAnyProject,
  externalUrl: string,
): MirrorOfAnyProjectAnswer {
  return { ...presentMirror(view, externalUrl), project_path: projectPath, reasons: [...reasons] };
}
