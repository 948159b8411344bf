import type { Project } from "../../domain/project.ts";
import type { Ports } from "../ports.ts";

/** Names of GitLab's, the ones that it prefers first. */
const ENDINGS = ["md", "markdown", "mkd", "rst", "adoc", "asciidoc", "org", "textile", "rdoc", "txt", ""];

/** The path of the file that introduces a project, at the root of its default branch; null where there is none. */
export async function findReadme(
  { browsing, repositories }: Pick<Ports, "browsing" | "repositories">,
  project: Project,
): Promise<string | null> {
  const path = repositories.pathOf(project.id);
  const head = await browsing.resolveCommit(path, "HEAD");
  const entries = head === null ? null : await browsing.listTree(path, head, "");
  const ranked = (entries ?? []).flatMap(({ name, type }) => {
    const [whole, ending = ""] = /^readme(?:\.([a-z]+))?$/i.exec(name) ?? [];
    const rank = whole === undefined ? -1 : ENDINGS.indexOf(ending.toLowerCase());
    return type === "blob" && rank !== -1 ? [{ name, rank }] : [];
  });
  return ranked.sort((a, b) => a.rank - b.rank)[0]?.name ?? null;
}
