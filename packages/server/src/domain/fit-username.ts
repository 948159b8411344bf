/** Room for a number behind it. */
const LONGEST = 60;

/** What nobody has said a name for. */
const NAMELESS = "user";

/**
 * A user name that is allowed here, of the one that somebody has elsewhere or of their e-mail address: what may not stand
 * in a path becomes a hyphen.
 */
export function fitUsername(wanted: string | null, email: string): string {
  return fit(wanted ?? "") || fit(email.split("@", 1)[0] ?? "") || NAMELESS;
}

/** The names to try when one is taken: `ada`, `ada1`, `ada2`, … */
export function numberedUsername(username: string, attempt: number): string {
  return attempt === 0 ? username : `${username}${attempt}`;
}

function fit(text: string): string {
  // Some providers give the address as the user name.
  const name = text.includes("@") ? (text.split("@", 1)[0] ?? "") : text;
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/[.-]{2,}/g, "-")
    .slice(0, LONGEST)
    .replace(/^[.-]+|(?:\.(?:git|atom)|[.-])+$/gi, "");
}
