import type { FailureCount } from "../../domain/sign-in-throttle.ts";

/** Failed sign-ins, for all nodes. Keys name an account, an address or both. */
export interface SignInFailureStore {
  read(key: string): Promise<FailureCount | null>;
  /**
   * Reads what is counted under these keys and writes what `decide` makes of it, with nobody else between: a key that
   * `decide` leaves out stays, one that it gives null is forgotten. What `decide` throws is thrown, and nothing written.
   */
  change(
    keys: readonly string[],
    decide: (counts: ReadonlyMap<string, FailureCount>) => ReadonlyMap<string, FailureCount | null>,
  ): Promise<void>;
  /** Whether this user signed in with their password from there since that moment. */
  isKnownAddress(userId: number, network: string, since: Date): Promise<boolean>;
  rememberAddress(userId: number, network: string, now: Date): Promise<void>;
  /** Forgets what was counted before `failuresBefore`, and addresses not seen since; answers how many rows. */
  removeOld(before: { readonly failures: Date; readonly addresses: Date }): Promise<number>;
}
