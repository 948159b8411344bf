import type { SealedKind } from "@heliostat/contract";

/** What people call the secrets that are kept sealed. */
export const SECRET_NAMES: Readonly<Record<SealedKind, string>> = {
  password: "password",
  ssh_key: "SSH key",
  client_key: "key of the client certificate",
  hook_secret: "hook secret",
  hook: "secret",
  second_factor: "second factor",
};
