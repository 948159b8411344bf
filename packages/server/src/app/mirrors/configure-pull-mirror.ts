import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../../domain/mirror.ts";
import type { Project } from "../../domain/project.ts";
import type { Ports } from "../ports.ts";
import type { MirrorSettings, SignedIn } from "../use-cases.ts";
import { refuseBadOptions } from "./check-options.ts";
import { checkRemoteUrl } from "./check-remote-url.ts";
import { optionsIn } from "./mirror-changes.ts";
import { saveMirror } from "./save-mirror.ts";

/** Finds what is wrong with the settings of a pull mirror that is yet to be made, without making anything. */
export async function refuseBadPullMirror(
  ports: Ports,
  settings: MirrorSettings,
  projectFullPath: string,
): Promise<void> {
  const instance = await ports.settings.read();
  refuseBadOptions("pull", optionsIn(settings), DEFAULT_MIRROR_OPTIONS, instance);
  if (settings.url === undefined) {
    if (!settings.enabled) return;
    throw invalidField("url", "is missing");
  }
  await checkRemoteUrl(ports, { url: settings.url, direction: "pull" }, projectFullPath);
  if (!settings.enabled) {
    throw new HeliostatError("model-invalid", "an import that runs once is not available yet", {
      fields: { import_url: ["needs mirror=true: an import that runs only once is not available yet"] },
    });
  }
}

/** Makes the project's pull mirror or changes it, by the rules of `saveMirror`. */
export async function configurePullMirror(
  ports: Ports,
  principal: SignedIn,
  project: Project,
  settings: MirrorSettings,
): Promise<Mirror> {
  return await saveMirror(
    ports,
    principal,
    project,
    { kind: "the-pull-mirror", direction: "pull" },
    settings,
  );
}
