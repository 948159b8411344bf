import type { InstanceHostKeyAnswer } from "@heliostat/contract/api/instance.ts";
import type { OwnHostKey } from "../../../app/ports.ts";

/** `host` as known_hosts names it: with brackets and port unless that is 22. */
export function presentOwnHostKey(key: OwnHostKey, host: string): InstanceHostKeyAnswer {
  return {
    algorithm: key.algorithm,
    bits: key.bits,
    fingerprint_sha256: key.fingerprintSha256,
    known_hosts: `${host} ${key.algorithm} ${key.key}`,
  };
}
