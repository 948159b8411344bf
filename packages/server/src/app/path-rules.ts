/**
 * What a user name, a group path or a project path may be, by GitLab's rule: it becomes a part of URLs, so it
 * begins with a letter, digit or underscore and cannot end like something that Git or the web reads otherwise.
 */
export const PATH_PATTERN = /^(?!.*\.(?:git|atom)$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?$/;

/** What a path is told that does not fit, in GitLab's words. */
export const PATH_MESSAGE =
  "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or '.', nor end in '.', '.git' or '.atom'";

/** First parts of paths that the web server needs for itself. */
export const RESERVED_TOP_LEVEL: ReadonlySet<string> = new Set([
  "-",
  "admin",
  "api",
  "assets",
  "dashboard",
  "explore",
  "groups",
  "help",
  "oauth",
  "projects",
  "robots.txt",
  "search",
  "users",
]);
