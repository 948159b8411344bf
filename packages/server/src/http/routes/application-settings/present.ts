import type { ApplicationSettingsAnswer } from "@heliostat/contract/api/application-settings.ts";
import type { InstanceSettings } from "../../../app/ports.ts";

export function presentSettings(settings: InstanceSettings): ApplicationSettingsAnswer {
  return {
    mirror_available: settings.mirrorAvailable,
    allow_local_requests_from_web_hooks_and_services: settings.allowLocalRequests,
    pull_mirror_interval_seconds: settings.pullMirrorIntervalSeconds,
    pull_mirror_min_interval_seconds: settings.pullMirrorMinIntervalSeconds,
    push_mirror_min_interval_seconds: settings.pushMirrorMinIntervalSeconds,
  };
}
