import type { FuzzTarget } from "./fuzz.ts";
import { hostPatterns, knownHosts } from "./known-hosts.ts";
import { pktLine } from "./pkt-line.ts";
import { remoteUrl } from "./remote-url.ts";
import { sshPrivateKey } from "./ssh-private-key.ts";

/** The parsers that read what strangers write. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  remoteUrl,
  knownHosts,
  hostPatterns,
  sshPrivateKey,
  pktLine,
];
