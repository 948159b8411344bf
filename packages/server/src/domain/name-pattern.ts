/**
 * The name of a protected branch or tag as a test of short names: `*` is any run of characters, slashes too; all else
 * is literal; a blank pattern matches nothing.
 */
export function compileNamePattern(pattern: string): (name: string) => boolean {
  if (pattern.trim() === "") return () => false;
  const [first = "", ...pieces] = pattern.split("*");
  const last = pieces.pop();
  if (last === undefined) return (name) => name === pattern;
  // Taking each piece at its first place leaves the most room for the others: no need to ever go back.
  return (name) => {
    if (!name.startsWith(first)) return false;
    let at = first.length;
    for (const piece of pieces) {
      const found = name.indexOf(piece, at);
      if (found === -1) return false;
      at = found + piece.length;
    }
    return name.length - last.length >= at && name.endsWith(last);
  };
}
