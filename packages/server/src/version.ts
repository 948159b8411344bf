import manifest from "../package.json" with { type: "json" };

/** Heliostat's own version. */
export const VERSION: string = manifest.version;
