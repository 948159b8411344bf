import type { Mirror, MirrorHealth } from "../../domain/mirror.ts";
import { fullPathOf, type Project } from "../../domain/project.ts";
import type { RefResult } from "../../domain/refs.ts";
import { maskUrl } from "../../domain/remote-url.ts";
import type { FinishedUpdate } from "../ports.ts";
import type { Block, ListItem, Notice } from "./notice.ts";

/** As many refs as a mail names. */
const MOST_NAMED = 20;

/**
 * What an update that has ended says of the mirror's health; null where it says nothing. `cancelled` is our own doing,
 * and what is tried again soon has not failed yet.
 */
export function healthAfter(
  mirror: Pick<Mirror, "direction">,
  finished: Pick<FinishedUpdate, "status" | "willRetry" | "nextCheckAt">,
): MirrorHealth | null {
  if (finished.status === "finished") return "good";
  if (finished.status === "cancelled" || finished.willRetry) return null;
  return mirror.direction === "pull" && finished.nextCheckAt === null ? "paused" : "failed";
}

/** The mail about a mirror whose health has become another one: which mirror, why, which refs, and what to do. */
export function mirrorNotice(
  project: Project,
  mirror: Mirror,
  health: MirrorHealth,
  finished: FinishedUpdate,
): Notice {
  const name = nameOf(project, mirror);
  const last = timeText(mirror.lastSuccessfulUpdateAt) ?? "never";
  switch (health) {
    case "good":
      return {
        subject: "Repository mirroring recovered",
        blocks: [
          paragraph(`${name} works again.`),
          facts([
            ["Updated", timeText(finished.now)],
            ["Last successful update before", last],
            ["What was wrong", mirror.lastError],
          ]),
        ],
      };
    case "paused":
      return {
        subject: "Repository mirroring paused",
        blocks: [
          paragraph(`${name} has failed too often and is on pause: it is not tried again by itself.`),
          failureFacts(finished, last),
          ...refList(finished.results),
          paragraph(
            "What to do: remove the cause, then start the update by hand (“Update now”, or the API with force=true). " +
              "From then on it follows its schedule again.",
          ),
        ],
      };
    case "failed":
      return {
        subject: mirror.direction === "push" ? "Remote mirror update failed" : "Repository mirroring failed",
        blocks: [
          paragraph(`${name} could not be updated.`),
          failureFacts(finished, last),
          ...refList(finished.results),
          paragraph(adviceFor(mirror, finished)),
        ],
      };
  }
}

/** The mail about a pull mirror whose user may not act any more: it goes on, under the project's own identity. */
export function mirrorUserGoneNotice(project: Project, mirror: Mirror): Notice {
  return {
    subject: "Repository mirroring continues without its user",
    blocks: [
      paragraph(
        `${nameOf(project, mirror)} has lost its user, who was removed or blocked, or is no maintainer any more.`,
      ),
      paragraph(
        "The mirror goes on under the project's own identity, and what it brings is shown under that name. " +
          "What to do: nothing, if this is fine. Whoever next changes the mirror's settings becomes its user.",
      ),
    ],
  };
}

function nameOf(project: Project, mirror: Mirror): string {
  const url = maskUrl(mirror.url, {
    hadUserinfo: mirror.urlHadUserinfo,
    username: mirror.username,
    hasPassword: mirror.hasPassword,
  });
  const path = fullPathOf(project);
  return mirror.direction === "push"
    ? `The push mirror of ${path} to ${url}`
    : `The pull mirror of ${path} from ${url}`;
}

function adviceFor(mirror: Mirror, finished: FinishedUpdate): string {
  const hasHints = finished.results.some((result) => result.fix !== undefined);
  const look = hasHints
    ? "What to do: see the hints above."
    : "What to do: look at the cause above; check the mirror's URL, its credentials and its options.";
  const next = timeText(finished.nextCheckAt);
  const again =
    next === null
      ? "It is not tried again by itself: start it by hand."
      : `It is tried again by itself at ${next} or soon after${
          mirror.direction === "push" ? ", and when the project changes" : ""
        }; you need not wait for that, and can start it by hand.`;
  return `${look} ${again}`;
}

function failureFacts(finished: FinishedUpdate, lastSuccess: string): Block {
  return facts([
    ["Failed", timeText(finished.now)],
    ["Last successful update", lastSuccess],
    ["Cause", finished.error],
  ]);
}

/** The refs that are not as they should be, with the reason and the way out. */
function refList(results: readonly RefResult[]): readonly Block[] {
  const wrong = results.filter(
    ({ outcome }) => outcome === "rejected" || outcome === "diverged" || outcome === "held",
  );
  if (wrong.length === 0) return [];
  const items = wrong.slice(0, MOST_NAMED).map(
    ({ ref, outcome, message, fix }): ListItem => ({
      name: ref,
      text: message === undefined ? outcome : `${outcome}: ${message}`,
      hint: fix ?? null,
    }),
  );
  return [
    {
      kind: "list",
      title: "Branches and tags that were not updated",
      items,
      more: wrong.length - items.length,
    },
  ];
}

function paragraph(text: string): Block {
  return { kind: "paragraph", text };
}

/** What is not known is not said. */
function facts(rows: readonly (readonly [string, string | null])[]): Block {
  return {
    kind: "facts",
    rows: rows.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const])),
  };
}

/** `2026-01-02 03:04 UTC`: mails are read in other time zones than the server's. */
function timeText(time: Date | null): string | null {
  return time === null ? null : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
