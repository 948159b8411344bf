/**
 * The chapters of the API's description, in their order, with the paths that belong to each. A path is in the first one
 * that knows it.
 */
const SECTIONS: readonly (readonly [title: string, paths: RegExp])[] = [
  ["Pull mirror", /^\/projects\/:id\/mirror\/pull/],
  ["Push mirrors", /^\/projects\/:id\/remote_mirrors/],
  ["Webhooks", /\/hooks|\/hook_secret/],
  ["Connection tests", /\/test$/],
  ["Host keys of remotes", /host_keys/],
  ["Trigger tokens", /\/trigger(_tokens)?(\/|$)/],
  ["Mirror updates", /^\/projects\/:id\/mirrors\/:mirror_id\/(updates|progress)/],
  ["Mirrors", /^(\/projects\/:id)?\/mirrors/],
  ["Credentials", /^\/credentials/],
  ["Secrets", /^\/application\/secrets/],
  ["Protected branches", /\/protected_branches/],
  ["Protected tags", /\/protected_tags/],
  ["Branches and tags", /\/repository\/(branches|tags|refs)/],
  ["Commits", /\/repository\/(commits|merge_base|compare)/],
  ["Files", /\/repository\//],
  ["Pipeline triggers", /\/(pipeline_)?triggers/],
  ["Members", /\/members/],
  ["Audit events", /\/audit_events/],
  ["Events", /\/events$/],
  ["Access tokens", /access_tokens/],
  ["Deploy keys", /\/deploy_keys/],
  ["SSH keys", /\/keys/],
  [
    "Signing in",
    /^\/user\/(two_factor|sessions|identities|password)|two_factor$|\/password$|^\/sign_in_options/,
  ],
  ["Projects", /^\/projects|^\/(users\/:user_id|groups\/:id)\/projects/],
  ["Groups", /^\/groups/],
  ["Namespaces", /^\/namespaces/],
  ["Users", /^\/users?(\/|$)/],
  ["Instance", /^\/(application\/settings|version|metadata)/],
];

/** Titles as they are read: what is used most is first. */
export const SECTION_TITLES: readonly string[] = [
  ...["Projects", "Pull mirror", "Push mirrors", "Mirrors", "Mirror updates", "Connection tests"],
  ...["Host keys of remotes", "Trigger tokens", "Credentials", "Pipeline triggers", "Webhooks"],
  ...["Protected branches", "Protected tags", "Branches and tags", "Commits", "Files", "Deploy keys"],
  ...["Events", "Members", "Groups", "Namespaces", "Users", "SSH keys", "Signing in", "Access tokens"],
  ...["Audit events", "Secrets", "Instance", "Other"],
];

/** The chapter that describes the endpoints of this path. */
export function sectionOf(path: string): string {
  return SECTIONS.find(([, paths]) => paths.test(path))?.[0] ?? "Other";
}
