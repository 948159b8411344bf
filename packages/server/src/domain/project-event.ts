import type { Oid } from "./oid.ts";
import { isBranch, isTag } from "./ref-name.ts";
import type { RefMove } from "./refs.ts";

export type EventAction = "created" | "pushed" | "removed";
export type EventRefType = "branch" | "tag";

/** What happened to branches or tags of a project, as the activity feed has it. */
export interface NewProjectEvent {
  readonly projectId: number;
  /** Who pushed, or the mirror user; null: they are gone. */
  readonly authorId: number | null;
  readonly action: EventAction;
  readonly refType: EventRefType;
  /** Short name; null for one event that stands for `refCount` refs. */
  readonly ref: string | null;
  readonly refCount: number | null;
  readonly commitFrom: Oid | null;
  readonly commitTo: Oid | null;
  readonly commitCount: number;
  /** Of the newest commit, one line. */
  readonly commitTitle: string | null;
  readonly createdAt: Date;
}

export interface ProjectEvent extends NewProjectEvent {
  readonly id: number;
}

/** Moves of one kind in one push: few of them get an event each, many get one for all. */
export interface MoveGroup {
  readonly action: EventAction;
  readonly refType: EventRefType;
  readonly moves: readonly RefMove[];
}

/** The branches and tags that really moved, by kind; GitLab's order: branches first, in each the order of the push. */
export function groupMoves(moves: readonly RefMove[]): readonly MoveGroup[] {
  const groups = new Map<string, MoveGroup & { readonly moves: RefMove[] }>();
  for (const refType of ["branch", "tag"] as const) {
    for (const move of moves) {
      if (move.old === move.new || !(refType === "branch" ? isBranch(move.ref) : isTag(move.ref))) continue;
      const action = actionOf(move);
      const key = `${refType} ${action}`;
      const group = groups.get(key) ?? { action, refType, moves: [] };
      groups.set(key, group);
      group.moves.push(move);
    }
  }
  return [...groups.values()];
}

function actionOf(move: RefMove): EventAction {
  if (move.old === null) return "created";
  return move.new === null ? "removed" : "pushed";
}

/** GitLab's. */
const TITLE_LENGTH = 70;

/** A commit's message as the feed shows it: its first line, 70 characters at most, nothing that is not text. */
export function titleOf(message: string): string | null {
  // Nobody needs the rest, and a line of megabytes costs no more than a short one.
  const [line = ""] = message
    .trimStart()
    .slice(0, 16 * TITLE_LENGTH)
    .split("\n", 1);
  const characters = Array.from(line.replaceAll(/\p{Cc}+/gu, " ").trim());
  if (characters.length === 0) return null;
  if (characters.length <= TITLE_LENGTH) return characters.join("").toWellFormed();
  return `${characters
    .slice(0, TITLE_LENGTH - 3)
    .join("")
    .toWellFormed()}...`;
}
