import type { ErrorCode } from "@heliostat/contract";

const ADVICE: Partial<Readonly<Record<ErrorCode, string>>> = {
  "remote-unreachable": "Check the host and the port of the URL, and whether a firewall is in the way.",
  "remote-timeout": "Check the host and the port of the URL, and whether a firewall is in the way.",
  "remote-closed": "Try again. Should it stay so, check the port: something else may listen there.",
  "remote-busy": "Try again later: the host asks to be left alone.",
  "remote-redirects": "Use the URL that the host redirects to, if that is the repository.",
  "remote-not-found":
    "Check the path. Hosts also answer so where this user or token may not see the repository.",
  "remote-not-git": "Use the URL that the host offers for git clone.",
  "remote-tls": "Check the host's certificate: its name, its date, and who signed it.",
  "remote-credential": "Check user name and password or token: they may have expired, or been withdrawn.",
  "remote-forbidden":
    "Give this user, token or key access to the repository; for a push, with the right to write.",
  "ssh-key-refused": "Add the public key at the host: as a deploy key, with write access for a push.",
  "ssh-algorithms": "The server is too old, or too strict: it offers no algorithm that is known here.",
  "remote-not-ssh": "Check the port: what listens there does not speak SSH.",
  "remote-noise":
    "Take what prints out of the login scripts of this user on the server (.bashrc, a forced command).",
  "host-key-missing": "Compare the fingerprints with those that the host publishes, and save the host keys.",
  "host-key-changed": "Ask the host whether its keys changed. Only then save the new ones.",
  "host-key-revoked": "Do not use this host before its owner has explained.",
  "secret-unreadable": "Give the password, token or key anew.",
  "url-blocked": "Check the URL, or ask an administrator to allow this destination.",
};

/** What to do about an error that a connection ended with; null: there is nothing to say. */
export function connectionAdvice(code: ErrorCode): string | null {
  return ADVICE[code] ?? null;
}
