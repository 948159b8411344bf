/** One line of `git push --porcelain`. */
export interface PushedLine {
  /** As git-push(1) lists them: fast-forward, forced, new, deleted, up to date, rejected. */
  readonly flag: " " | "+" | "*" | "-" | "=" | "!";
  readonly summary: string;
  /** What stands in parentheses after the summary; "" for none. */
  readonly reason: string;
}

const LINE = /^([ +*\-=!])\t([^\t]*)\t(.*)$/;

/** Reads the report by full name of the remote's ref. Lines of another form (`To <url>`, `Done`) are not about refs. */
export function readPushReport(stdout: string): ReadonlyMap<string, PushedLine> {
  const lines = new Map<string, PushedLine>();
  for (const text of stdout.split("\n")) {
    const [, flag = "", refspec = "", summary = ""] = LINE.exec(text) ?? [];
    if (!isFlag(flag)) continue;
    // No ref name holds a colon.
    const ref = refspec.slice(refspec.lastIndexOf(":") + 1);
    const [, reason = ""] = /\((.*)\)$/.exec(summary) ?? [];
    lines.set(ref, { flag, summary, reason });
  }
  return lines;
}

function isFlag(text: string): text is PushedLine["flag"] {
  return text.length === 1 && " +*-=!".includes(text);
}
