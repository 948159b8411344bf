/** A row's id, or a full path such as `group/sub/project`. */
export type PathOrId = number | string;

/** What the store has under this id or full path; null for nothing. */
export async function findByPathOrId<T>(
  store: { find(id: number): Promise<T | null>; findByFullPath(fullPath: string): Promise<T | null> },
  which: PathOrId,
): Promise<T | null> {
  return typeof which === "number" ? await store.find(which) : await store.findByFullPath(which);
}
