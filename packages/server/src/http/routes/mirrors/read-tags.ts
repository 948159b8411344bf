/** The parameter `mirror_tags`: null is as good as empty, which means all tags. */
export function readTags(tags: string | null | undefined): string | undefined {
  return tags === null ? "" : tags;
}
