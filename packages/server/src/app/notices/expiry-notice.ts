import type { Credential, ExpiryNews } from "../../domain/credential.ts";
import { maskUrl } from "../../domain/remote-url.ts";
import type { MirrorOfProject } from "../ports.ts";
import type { Notice } from "./notice.ts";

/** As many mirrors as a mail names. */
export const MOST_NAMED_USES = 20;

const WHEN: Readonly<Record<ExpiryNews, { readonly subject: string; readonly sentence: string }>> = {
  week: { subject: "Credential expires within a week", sentence: "expires within a week" },
  day: { subject: "Credential expires within a day", sentence: "expires within a day" },
  expired: { subject: "Credential has expired", sentence: "has expired" },
};

/** The mail about a credential that expires: which, when, what uses it, and what to do. */
export function expiryNotice(
  { name, namespace, mirrorsCount }: Credential,
  { expiresAt, news }: { readonly expiresAt: Date; readonly news: ExpiryNews },
  uses: readonly MirrorOfProject[],
): Notice {
  const { subject, sentence } = WHEN[news];
  const what = `The credential “${name}” of ${namespace.fullPath} ${sentence}.`;
  const time = `${expiresAt.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const items = uses.map(({ mirror, projectPath }) => ({
    name: projectPath,
    text: `${mirror.direction} ${mirror.direction === "pull" ? "from" : "to"} ${maskUrl(mirror.url, {
      ...{ hadUserinfo: mirror.urlHadUserinfo, username: mirror.username, hasPassword: mirror.hasPassword },
    })}`,
    hint: null,
  }));
  return {
    subject,
    blocks: [
      { kind: "paragraph", text: what },
      { kind: "facts", rows: [[news === "expired" ? "Expired" : "Expires", time]] },
      items.length === 0
        ? { kind: "paragraph", text: "No mirror uses it." }
        : { kind: "list", title: "Mirrors that use it", items, more: mirrorsCount - items.length },
      {
        kind: "paragraph",
        text:
          "What to do: make a new password, token or key at the host, and rotate the credential with it " +
          "(heliostat credential rotate, or the API). All its mirrors then go on with the new one.",
      },
    ],
  };
}
