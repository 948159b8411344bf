import type { MirrorDirection } from "@heliostat/contract";
import { HeliostatError, invalidField } from "../../domain/errors.ts";
import { given } from "../../domain/given.ts";
import { portRulesOf } from "../../domain/port-rules.ts";
import { parseRemoteUrl, type RemoteUrl } from "../../domain/remote-url.ts";
import { isItself } from "../../domain/self-mirror.ts";
import type { Ports, RemoteCredential } from "../ports.ts";
import { refuseLongCredential } from "./check-credential.ts";

export interface CheckedRemote {
  readonly url: RemoteUrl;
  readonly credential: Partial<RemoteCredential>;
  readonly urlHadUserinfo: boolean;
}

/**
 * A URL as somebody gave it, as one that a mirror may have: parsed, its address looked up and allowed, and not the
 * project itself. `url-blocked` and `url-invalid` carry GitLab's reason.
 */
export async function checkRemoteUrl(
  ports: Pick<Ports, "remotes" | "settings" | "instance">,
  { url: text, direction }: { readonly url: string; readonly direction: MirrorDirection },
  projectFullPath: string,
): Promise<CheckedRemote> {
  if (text.trim() === "") {
    throw invalidField("url", "can't be blank");
  }
  const { url, username, password, hadUserinfo } = parseRemoteUrl(text);
  refuseLongCredential({ username, password });
  const { externalUrl, sshPort } = ports.instance;
  if (isItself(url, { externalUrl, sshPort, fullPath: projectFullPath })) {
    throw invalidField("base", "You cannot mirror a repository to itself.");
  }
  const settings = await ports.settings.read();
  try {
    await ports.remotes.open(url, null, {
      ...settings,
      ...portRulesOf(direction),
      ownUrl: ports.instance.externalUrl,
    });
  } catch (error) {
    if (!(error instanceof HeliostatError) || error.code !== "remote-unreachable") throw error;
    // A name that does not resolve is the network's trouble during a run, but a mistake when it is saved. Without the
    // protection GitLab does not ask: the name may be there by the time of the first run, which checks it in any case.
    if (settings.dnsRebindingProtectionEnabled) {
      throw new HeliostatError("url-blocked", error.message, { cause: error });
    }
  }
  return {
    url,
    credential: given({ username: username ?? undefined, password: password ?? undefined }),
    urlHadUserinfo: hadUserinfo,
  };
}
