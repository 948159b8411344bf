import type { Oid } from "./oid.ts";

/** What happened to branches or tags of a project, as the activity feed has it. */
export interface NewProjectEvent {
  readonly projectId: number;
  /** Who pushed, or the mirror user; null: they are gone. */
  readonly authorId: number | null;
  readonly action: "created" | "pushed" | "removed";
  readonly refType: "branch" | "tag";
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
