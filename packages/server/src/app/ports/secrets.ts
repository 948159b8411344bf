import type { SealedKind } from "@heliostat/contract";
import type { Mirror } from "../../domain/mirror.ts";
import type { Viewer } from "../../domain/user.ts";
import type { Page, Paged } from "./instance.ts";

/** The keys of the secrets file, by their ids: what they are is for `secrets/` alone to know. */
export interface SecretKeys {
  /** What new secrets are sealed with; null: the file is lost, and one is made when it is first needed. */
  current(): string | null;
  ids(): readonly string[];
  isKnown(id: string): boolean;
  /**
   * Makes a key, which becomes the current one, and answers its id. `config-invalid` when the file cannot be written,
   * `conflict` when it is lost, and with it all keys.
   */
  add(): Promise<string>;
  /** Takes keys away for good; the current one stays. */
  remove(ids: readonly string[]): Promise<void>;
}

/** A mirror, and the project that it belongs to. */
export interface MirrorOfProject {
  readonly mirror: Mirror;
  readonly projectPath: string;
}

/** A secret whose key is there, and that does not open all the same: it was damaged. Of the owners all but one are null. */
export interface UnreadableSecret {
  readonly kind: SealedKind;
  readonly mirrorId: number | null;
  /** Of a named credential. */
  readonly credentialId: number | null;
  /** Of a second factor. */
  readonly username: string | null;
  readonly hookId: number | null;
  readonly pipelineTriggerId: number | null;
}

/** What is sealed in the database, whatever table it is in. */
export interface SealedSecretStore {
  /** Id of a key → secrets sealed with it. */
  countByKey(): Promise<ReadonlyMap<string, number>>;
  /**
   * Seals everything with the current key that is sealed with another one of these, and answers how many that were.
   * What was changed meanwhile keeps its change. What is being saved with one of these keys is waited for, so that
   * `countByKey` counts it afterwards. A secret that does not open is left as it is.
   */
  sealAnew(
    keyIds: readonly string[],
  ): Promise<{ readonly sealed: number; readonly unreadable: readonly UnreadableSecret[] }>;
  /** Mirrors with a secret that they use and none of these keys opens, in the order of their ids; an admin sees all. */
  listMirrorsWithout(
    filter: { readonly visibleTo: Viewer; readonly keyIds: readonly string[] },
    page: Page,
  ): Promise<Paged<MirrorOfProject>>;
  /** How many of these there are in all projects. */
  countMirrorsWithout(keyIds: readonly string[]): Promise<number>;
  /** Mirrors that stopped for a lost key, and whose secrets these keys open all the same. */
  listMirrorsOpenAgain(keyIds: readonly string[]): Promise<readonly number[]>;
  /** Does this while nobody else, on any node, changes the keys; `conflict` while somebody does. */
  whileAlone<T>(work: () => Promise<T>): Promise<T>;
}
