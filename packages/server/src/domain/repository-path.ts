/** The characters of namespace and project paths: nothing that a file system or git could read as more than a name. */
const NAME = /^[A-Za-z0-9_.-]{1,255}$/;
const MAX_DEPTH = 22;

/** The full path of a project that git's clients name by these parts, with `.git` at the end or without; null: of none. */
export function readRepositoryPath(names: readonly string[]): string | null {
  if (names.length < 2 || names.length > MAX_DEPTH) return null;
  if (names.some((name) => !NAME.test(name) || name === "." || name === "..")) return null;
  const fullPath = names.join("/");
  const bare = fullPath.endsWith(".git") ? fullPath.slice(0, -4) : fullPath;
  return bare.endsWith("/") ? null : bare;
}
