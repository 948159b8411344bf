import { HeliostatError } from "../../domain/errors.ts";
import { judgeHostKey, type SshPlace } from "../../domain/known-hosts.ts";
import { fingerprintSha256, type SshPublicKey } from "../../domain/ssh-public-key.ts";

/** Null when the server shows a key that is stored; otherwise the error that says what it shows in place of it. */
export function judgeShownKey(
  knownHosts: string,
  place: SshPlace,
  shown: SshPublicKey,
): HeliostatError | null {
  const verdict = judgeHostKey(knownHosts, place, shown);
  const { host } = place;
  const key = `${shown.algorithm} ${fingerprintSha256(shown.key)}`;
  switch (verdict.kind) {
    case "match":
      return null;
    case "missing":
      return new HeliostatError(
        "host-key-missing",
        `No host key of ${host} is stored for this mirror, so nothing was sent to it. It shows ${key}: if that is the key that its operators publish, store it.`,
      );
    case "revoked":
      return new HeliostatError(
        "host-key-revoked",
        `${host} shows ${key}, a key that is marked as revoked for this mirror. Nothing was sent to it.`,
      );
    case "changed": {
      const known = verdict.expected
        .map((each) => `${each.algorithm} ${fingerprintSha256(each.key)}`)
        .join(", ");
      return new HeliostatError(
        "host-key-changed",
        `The host key of ${host} has changed. Stored for this mirror: ${known}. It now shows: ${key}. Somebody may be listening in, so nothing was sent to it; if its operators confirm the new key, store that.`,
      );
    }
    default:
      return verdict satisfies never;
  }
}
