/** GitLab's search for names of refs, whatever the case: `^` in front for the beginning, `$` behind for the end. */
export function compileNameSearch(search: string | undefined): (name: string) => boolean {
  if (search === undefined || search === "") return () => true;
  const fromStart = search.startsWith("^");
  const toEnd = search.endsWith("$") && search.length > (fromStart ? 1 : 0);
  const text = search.slice(fromStart ? 1 : 0, toEnd ? -1 : undefined).toLowerCase();
  return (name) => {
    const lower = name.toLowerCase();
    if (fromStart && toEnd) return lower === text;
    if (fromStart) return lower.startsWith(text);
    return toEnd ? lower.endsWith(text) : lower.includes(text);
  };
}
