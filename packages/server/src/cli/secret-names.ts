import type { SecretKind } from "@heliostat/contract";

/** What people call the secrets of mirrors. */
export const SECRET_NAMES: Readonly<Record<SecretKind, string>> = {
  password: "password",
  ssh_key: "SSH key",
  client_key: "key of the client certificate",
};
