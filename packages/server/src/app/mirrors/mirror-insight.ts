import { HeliostatError } from "../../domain/errors.ts";
import { explainMirror } from "../../domain/explain-mirror.ts";
import type { Mirror } from "../../domain/mirror.ts";
import {
  type Hindrance,
  isMirroringAvailable,
  type MirroringSwitches,
} from "../../domain/mirroring-switches.ts";
import { actsAsAdmin } from "../../domain/policy.ts";
import type { Project } from "../../domain/project.ts";
import { hostAndPortOf } from "../../domain/remote-url.ts";
import { lostSecrets } from "../../domain/used-secrets.ts";
import { findProjectFor, requireSignedIn, requireViewer } from "../access.ts";
import type { Ports } from "../ports.ts";
import { previewUpdate } from "../updates/preview-update.ts";
import { refuseBadOptions } from "./check-options.ts";
import type { MirrorInsightUseCases } from "./mirror-insight-use-cases.ts";
import { findMirrorToChange } from "./mirroring-access.ts";
import type { OutboundPlaces } from "./outbound-places.ts";
import { refuseInSilence } from "./refuse-in-silence.ts";

const LAST_UPDATES = 5;

/** The use cases of `MirrorInsightUseCases`. */
export function mirrorInsightUseCases(ports: Ports, outbound: OutboundPlaces): MirrorInsightUseCases {
  return {
    async explainMirror(principal, which, mirrorId) {
      const project = await findProjectFor(ports, principal, which, "read-mirrors");
      const mirror = await ports.mirrors.find(mirrorId);
      if (mirror?.projectId !== project.id) throw new HeliostatError("not-found", "Not found");
      const host = hostAndPortOf(mirror.url);
      const [switches, hosts, places, updates] = await Promise.all([
        ports.settings.read(),
        ports.hosts.list(),
        ports.mirrors.readPlaces(host),
        ports.mirrors.listUpdates(mirror.id, { page: 1, perPage: LAST_UPDATES }),
      ]);
      const explanation = explainMirror({
        now: ports.clock.now(),
        mirror,
        hindrance: hindranceOf(mirror, project, switches),
        host,
        hostPausedUntil: hosts.find((known) => known.host === host)?.pausedUntil ?? null,
        needsSecret: lostSecrets(mirror, ports.secretKeys).length > 0,
        places,
      });
      return { mirror, explanation, places, lastUpdates: updates.items };
    },
    async readMirrorOverview(principal) {
      const viewer = requireViewer(principal);
      const at = ports.clock.now();
      const [overview, hosts, { silentModeEnabled }] = await Promise.all([
        ports.overview.read(viewer, at),
        ports.hosts.list(),
        ports.settings.read(),
      ]);
      const paused = hosts.filter(({ pausedUntil }) => pausedUntil !== null).length;
      return {
        ...overview,
        at,
        hostsPaused: actsAsAdmin(principal) ? paused : null,
        silentMode: silentModeEnabled,
      };
    },
    async previewMirror(principal, which, mirrorId, options, signal) {
      const { project, mirror } = await findMirrorToChange(ports, principal, which, mirrorId);
      const settings = await ports.settings.read();
      refuseBadOptions(mirror.direction, options, mirror.options, settings);
      refuseInSilence(settings);
      outbound.takeTest(requireSignedIn(principal).user.id);
      const asked = { ...mirror, options: { ...mirror.options, ...options } };
      return await previewUpdate(ports, project, asked, signal);
    },
  };
}

/** As the database has it for the schedule (`db/runnable-mirrors.ts`). */
function hindranceOf(mirror: Mirror, project: Project, switches: MirroringSwitches): Hindrance | null {
  if (!mirror.enabled) return "disabled";
  if (project.archived) return "archived";
  if (switches.silentModeEnabled) return "silent-mode";
  return isMirroringAvailable(mirror.direction, project, switches) ? null : "unavailable";
}
