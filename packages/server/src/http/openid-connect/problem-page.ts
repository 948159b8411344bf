/** So that a page of ours needs no file of the web interface: it must show also where that is not built. */
const STYLE = `
  :root { color-scheme: light dark; --text: #1c2430; --muted: #5b6675; --back: #f6f7f9; --card: #fff; --line: #d9dee5; --sun: #f4b400; }
  @media (prefers-color-scheme: dark) {
    :root { --text: #e6eaf0; --muted: #9aa5b4; --back: #12161c; --card: #1b2129; --line: #2f3843; }
  }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
    font: 16px/1.5 system-ui, sans-serif; }
  main { box-sizing: border-box; width: min(28rem, 100% - 2rem); padding: 2rem; background: var(--card);
    border: 1px solid var(--line); border-radius: 12px; }
  h1 { margin: 0 0 .75rem; font-size: 1.25rem; }
  p { margin: 0 0 1.5rem; overflow-wrap: anywhere; }
  a.action { display: inline-block; padding: .6rem 1rem; border-radius: 8px; background: var(--sun); color: #1c2430;
    font-weight: 600; text-decoration: none; }
  a.other { margin-left: 1rem; color: var(--muted); }
`;

/** The page runs nothing, loads nothing and stands in no frame; and nobody keeps it. */
export const PROBLEM_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** A page that says what went wrong with signing in, with the ways on from here. */
export function problemPage({
  title,
  message,
  requestId,
  actions,
}: {
  readonly title: string;
  readonly message: string;
  /** Where the log has more; null: there is nothing more to say. */
  readonly requestId: string | null;
  /** The first one is the main one. */
  readonly actions: readonly { readonly label: string; readonly path: string }[];
}): string {
  const links = actions.map(
    ({ label, path }, index) =>
      `<a class="${index === 0 ? "action" : "other"}" href="${escapeHtml(path)}">${escapeHtml(label)}</a>`,
  );
  const more = requestId === null ? "" : ` The log has more under request ${escapeHtml(requestId)}.`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · Heliostat</title>
<style>${STYLE}</style>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(message)}${more}</p>
${links.join("\n")}
</main>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
