import { describeKeys, type HostKeyFingerprint, judgeHostKey, type SshPlace } from "./known-hosts.ts";

/** Stored host keys against those that a server shows; the indices are lines of the one text or the other. */
export interface HostKeyComparison {
  readonly added: readonly HostKeyFingerprint[];
  readonly kept: readonly HostKeyFingerprint[];
  /** Shown, though marked `@revoked` among the stored ones. */
  readonly revoked: readonly HostKeyFingerprint[];
  /** Stored, and not shown any more. */
  readonly removed: readonly HostKeyFingerprint[];
  /** What is to be stored when all that the server shows is accepted. */
  readonly accepted: string;
}

/**
 * Compares the stored text of a mirror with what its server shows now, one line for each key. Lines that are marked, as
 * revoked for example, outlive the acceptance of other keys; lines about other servers do not.
 */
export function compareHostKeys(stored: string, shown: string, place: SshPlace): HostKeyComparison {
  const lines = shown.split("\n");
  const keys = describeKeys(shown).map((facts) => {
    const [, algorithm = "", key = ""] = (lines[facts.index] ?? "").split(" ");
    return { facts, verdict: judgeHostKey(stored, place, { algorithm, key }).kind };
  });
  const of = (...verdicts: string[]) =>
    keys.filter(({ verdict }) => verdicts.includes(verdict)).map(({ facts }) => facts);
  const isShown = new Set(keys.map(({ facts }) => facts.fingerprint_sha256));
  const marked = stored.split(/\r?\n/).filter((line) => line.trimStart().startsWith("@"));
  return {
    added: of("missing", "changed"),
    kept: of("match"),
    revoked: of("revoked"),
    removed: describeKeys(stored).filter((key) => !isShown.has(key.fingerprint_sha256)),
    accepted: [...lines, ...marked].filter((line) => line !== "").join("\n"),
  };
}
