/** What a secret that is made here opens. */
export type TokenKind = "personal" | "project" | "group" | "trigger";

/** How such secrets begin, so that people, and scanners for what slipped out, know them. */
export const TOKEN_PREFIXES: Readonly<Record<TokenKind, string>> = {
  personal: "hlpat-",
  project: "hlprj-",
  group: "hlgrp-",
  trigger: "hltrg-",
};
