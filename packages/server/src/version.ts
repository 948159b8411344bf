import manifest from "../package.json" with { type: "json" };

/** Heliostat's own version. */
export const VERSION: string = manifest.version;

/** How we name ourselves to remotes. It begins like git's own: some hosts answer other clients with a web page. */
export const USER_AGENT = `git/2.39 (heliostat/${VERSION})`;

/** The GitLab whose API we speak: clients compare it to know what they may ask for. */
export const GITLAB_VERSION = "18.5.0-ee";
