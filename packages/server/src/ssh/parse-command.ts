import { readRepositoryPath } from "../domain/repository-path.ts";

/** The programs of Git that speak over SSH. */
export type SshProgram = "upload-pack" | "receive-pack" | "upload-archive";

/** What a client wants to be run. `refused`: not by us, with a sentence that says what can be. */
export type SshCommand =
  | { readonly kind: "git"; readonly program: SshProgram; readonly fullPath: string }
  | { readonly kind: "refused"; readonly message: string };

const PROGRAMS: ReadonlySet<string> = new Set(["upload-pack", "receive-pack", "upload-archive"]);
const MAX_LENGTH = 8 * 1024;

const LFS = "Git LFS is not served over SSH here.";
const ONLY_GIT = "Only git can be used over SSH here: git clone, fetch, push and archive --remote.";
const NO_PATH = "This is no path of a project. It has the form group/project.git.";

/** Reads the text that a client asks to be run, as git writes it and no more than that: no shell ever sees it. */
export function parseSshCommand(text: string): SshCommand {
  const words = text.length > MAX_LENGTH ? null : splitWords(text);
  if (words === null) return refused(ONLY_GIT);
  const [first = "", ...rest] = words;
  if (first === "git-lfs-authenticate" || first === "git-lfs-transfer") return refused(LFS);
  // `git upload-pack` is what some ask for, such as older libraries.
  const [program = "", ...args] = first === "git" ? rest : [first.replace(/^git-/, ""), ...rest];
  if (first !== "git" && !first.startsWith("git-")) return refused(ONLY_GIT);
  if (!isProgram(program) || args.length !== 1) return refused(ONLY_GIT);
  const fullPath = readPath(args[0] ?? "");
  return fullPath === null ? refused(NO_PATH) : { kind: "git", program, fullPath };
}

function readPath(path: string): string | null {
  return readRepositoryPath(path.split("/").filter((name) => name !== ""));
}

function isProgram(text: string): text is SshProgram {
  return PROGRAMS.has(text);
}

function refused(message: string): SshCommand {
  return { kind: "refused", message };
}

/** Plain words and what git's own quoting makes: `'it'\''s'`. Null for whatever a shell would read more into. */
function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (const [piece] of text.matchAll(/ +|'[^']*'|\\['!]|[A-Za-z0-9_.,:@%+=/-]+|./gs)) {
    if (piece.startsWith(" ")) {
      if (word !== null) words.push(word);
      word = null;
    } else if (piece.startsWith("'") && piece.length > 1) word = (word ?? "") + piece.slice(1, -1);
    else if (piece.startsWith("\\") && piece.length > 1) word = (word ?? "") + piece.slice(1);
    else if (/^[A-Za-z0-9_.,:@%+=/-]/.test(piece)) word = (word ?? "") + piece;
    else return null;
  }
  return word === null ? words : [...words, word];
}
