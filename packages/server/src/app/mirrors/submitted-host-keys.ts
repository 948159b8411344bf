import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { readHostKeyParameters } from "../../domain/host-key-parameters.ts";
import type { Mirror } from "../../domain/mirror.ts";
import { sshPlaceOf } from "../../domain/ssh-remote.ts";
import type { KnownHosts } from "../ports.ts";
import type { MirrorSettings } from "../use-cases.ts";

/** The keys of some hundred servers: more was pasted by mistake. */
const LONGEST_KNOWN_HOSTS = 65_536;

/**
 * The host keys among the settings, for a mirror with this URL, as its user has verified them; undefined: none are
 * given, or the text that is stored, which is what a client sends back that has not looked at it. An empty list or text
 * takes the stored ones away. `model-invalid` in GitLab's words.
 */
export function submittedHostKeys(
  settings: Pick<MirrorSettings, "hostKeys" | "knownHosts">,
  { url, knownHosts: stored }: Pick<Mirror, "url" | "knownHosts">,
  userId: number,
): KnownHosts | undefined {
  const { hostKeys, knownHosts } = settings;
  if (knownHosts !== undefined && hostKeys !== undefined && hostKeys.length > 0) {
    throw new HeliostatError("parameter-invalid", "host_keys, ssh_known_hosts are mutually exclusive");
  }
  const place = sshPlaceOf(url);
  if (knownHosts !== undefined) {
    // Line by line: GitLab's limit is one of the parameter that comes as a list.
    const lines = keyLinesOf(knownHosts).map((line) => readHostKeyParameters([line], place).knownHosts);
    const text = lines.join("\n");
    return text === stored ? undefined : verifiedBy(userId, text);
  }
  return hostKeys && verifiedBy(userId, readHostKeyParameters(hostKeys, place).knownHosts);
}

/** Of no keys at all nobody says that they are right. */
function verifiedBy(userId: number, text: string): KnownHosts {
  return { text, verifiedBy: text === "" ? null : userId };
}

/** As `ssh-keyscan` prints them and people keep them: with comments between the lines. */
function keyLinesOf(text: string): string[] {
  if (text.length > LONGEST_KNOWN_HOSTS) {
    const complaint = `is too long (maximum is ${LONGEST_KNOWN_HOSTS} characters)`;
    throw invalidField("ssh_known_hosts", complaint);
  }
  return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
}
