import { createHash } from "node:crypto";
import { readAnnouncement } from "../../domain/announcement.ts";
import { HeliostatError } from "../../domain/errors.ts";
import type { Mirror } from "../../domain/mirror.ts";
import type { RefName } from "../../domain/ref-name.ts";
import type { MirrorStart } from "../mirrors/mirror-start.ts";
import type { Ports } from "../ports.ts";
import { wantedRefs } from "../updates/wanted-refs.ts";
import type { HeardHook } from "./mirror-hook-use-cases.ts";
import type { Webhook } from "./webhook.ts";

type HearPorts = Pick<
  Ports,
  "clock" | "mirrorHooks" | "mirrors" | "protectedBranches" | "queue" | "settings"
>;

/**
 * Does what a webhook asks for of which it is known that it may; `start` starts the mirror. What names no event and is not
 * signed is no webhook, but somebody who wants an update (as where `hook` is null). `signed`: what was signed,
 * null where nothing is. A signed message counts once: who catches it must not be able to use it again. Without a
 * signature that is not to be had, since whoever sees such a message has its proof and can make others.
 */
export async function hearHook(
  ports: HearPorts,
  mirror: Mirror,
  hook: Pick<Webhook, "event" | "body"> | null,
  signed: Buffer | null,
  start: () => Promise<MirrorStart>,
): Promise<HeardHook> {
  if (hook === null || (hook.event === null && signed === null)) {
    return { kind: "started", start: await start() };
  }
  const at = ports.clock.now();
  const told = readAnnouncement(hook.event, hook.body);
  if (told.kind === "test") return { kind: "heard", why: "The webhook works. A test starts no update." };
  if (told.kind === "talk") {
    return { kind: "heard", why: "No update: what the webhook tells of moves no branch and no tag." };
  }
  const digest = signed && createHash("sha256").update(signed).digest();
  if (digest !== null && (await ports.mirrorHooks.wasReceived(mirror.id, digest))) {
    await lookSoon(ports, mirror, at);
    throw new HeliostatError(
      "hook-replayed",
      "The same message came before, and starts no update again. The mirror is looked at soon all the same.",
    );
  }
  if (told.refs !== null && !(await carriesAny(ports, mirror, told.refs))) {
    return { kind: "heard", why: "No update: the mirror carries none of the refs that the webhook names." };
  }
  const started = await start();
  // Only now: should we die before, the message may come again.
  if (started.status !== "on-pause") await ports.mirrorHooks.noteReceived(mirror.id, at, digest);
  return { kind: "started", start: started };
}

/**
 * Some forges sign nothing that tells two announcements of the same kind apart: a branch that is set to and fro, a tag
 * that is made anew. So what looks like a replay has the mirror checked, which costs next to nothing, as often as it
 * might be checked anyway.
 */
async function lookSoon(ports: HearPorts, mirror: Mirror, at: Date): Promise<void> {
  const { pullMirrorMinIntervalSeconds } = await ports.settings.read();
  const last = mirror.lastUpdateAt?.getTime() ?? 0;
  const checkAt = new Date(Math.max(at.getTime(), last + pullMirrorMinIntervalSeconds * 1000));
  await ports.mirrorHooks.noteReplay(mirror.id, at, checkAt);
  ports.queue.wakeAt(checkAt);
}

/**
 * Whether the mirror may have to do with one of these refs. One that is not in step has to do with any; and so has one
 * that follows the default branch, which may have become another one with any branch that came or went.
 */
async function carriesAny(ports: HearPorts, mirror: Mirror, refs: readonly RefName[]): Promise<boolean> {
  if (mirror.direction !== "pull") return true;
  if (mirror.appliedDigest === null || mirror.options.followDefaultBranch) return true;
  const { any } = await wantedRefs(ports, mirror);
  return refs.some(any);
}
