import { describeKeys, type HostKeyFingerprint, judgeHostKey, type SshPlace } from "./known-hosts.ts";

/** Stored host keys against those that a server shows; the indices are lines of the one text or the other. */
export interface HostKeyComparison {
  readonly added: readonly HostKeyFingerprint[];
  readonly kept: readonly HostKeyFingerprint[];
  /** Shown, though marked `@revoked` among the stored ones. */
  readonly revoked: readonly HostKeyFingerprint[];
  /** Stored, and not shown any more. */
  readonly removed: readonly HostKeyFingerprint[];
  /** What is to be stored when all that the server shows is accepted, but for what is revoked. */
  readonly accepted: string;
}

/**
 * Compares the stored text of a mirror with what its server shows now, one line for each key. Lines that are marked, as
 * revoked for example, outlive the acceptance of other keys; lines about other servers do not, nor does one of a key that
 * is revoked.
 */
export function compareHostKeys(stored: string, shown: string, place: SshPlace): HostKeyComparison {
  const lines = shown.split("\n");
  const keys = describeKeys(shown).map((facts) => {
    const [, algorithm = "", key = ""] = (lines[facts.index] ?? "").split(" ");
    return { facts, verdict: judgeHostKey(stored, place, { algorithm, key }).kind };
  });
  const of = (...verdicts: string[]) =>
    keys.filter(({ verdict }) => verdicts.includes(verdict)).map(({ facts }) => facts);
  const revoked = of("revoked");
  const isRevoked = new Set(revoked.map(({ index }) => index));
  const isShown = new Set(keys.map(({ facts }) => facts.fingerprint_sha256));
  const marked = stored.split(/\r?\n/).filter((line) => line.trimStart().startsWith("@"));
  return {
    added: of("missing", "changed"),
    kept: of("match"),
    revoked,
    removed: describeKeys(stored).filter((key) => !isShown.has(key.fingerprint_sha256)),
    accepted: [...lines.filter((_, index) => !isRevoked.has(index)), ...marked]
      .filter((line) => line !== "")
      .join("\n"),
  };
}
