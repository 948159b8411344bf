import type {
  HostKeyDetectionAnswer,
  HostKeyReviewAnswer,
  PublicKeyAnswer,
} from "@heliostat/contract/api/host-keys.ts";
import type { HostKeyDetection, HostKeyReview } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { describeKeys } from "../../../domain/known-hosts.ts";
import type { Mirror } from "../../../domain/mirror.ts";
import { sshPublicKeyOf } from "../../../domain/ssh-remote.ts";

/** What was found, with GitLab's keys. */
export function presentDetection(
  found: Extract<HostKeyDetection, { kind: "found" }>,
): HostKeyDetectionAnswer {
  return {
    host_keys_changed: found.haveChanged,
    fingerprints: [...describeKeys(found.knownHosts)],
    known_hosts: found.knownHosts,
  };
}

/** A review with the fingerprints that have to be sent back to accept what is shown: all but the revoked ones. */
export function presentReview(review: HostKeyReview): HostKeyReviewAnswer {
  const { mirror, knownHosts, added, removed, kept, revoked } = review;
  return {
    mirror_id: mirror.id,
    host_keys_changed: added.length + removed.length + revoked.length > 0,
    added: [...added],
    removed: [...removed],
    kept: [...kept],
    revoked: [...revoked],
    known_hosts: knownHosts,
    fingerprints: describeKeys(knownHosts)
      .map(({ fingerprint_sha256 }) => fingerprint_sha256)
      .filter((fingerprint) => revoked.every((key) => key.fingerprint_sha256 !== fingerprint)),
  };
}

/** `not-found` unless the mirror signs in with a key, over SSH. */
export function presentPublicKey(mirror: Mirror): PublicKeyAnswer {
  const key = sshPublicKeyOf(mirror);
  if (key === null) throw new HeliostatError("not-found", "Not found");
  return { public_key: key };
}
