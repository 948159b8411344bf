import type { RemoteCredential } from "../app/ports.ts";
import { credentialSecrets } from "../domain/credential-secrets.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { ConfigLine } from "./environment.ts";

export interface CredentialHelper {
  readonly config: readonly ConfigLine[];
  readonly fd3Input: Buffer;
  readonly secrets: readonly string[];
}

/**
 * A helper that knows one credential, for one run. The secret is in no argument, variable, file or configuration: git's
 * transport program starts this shell function, which inherits descriptor 3 and reads the two lines from there.
 * `read` takes no byte more than its line, so a second question, from a transport that git had to start again, finds
 * the next copy. `printf` is built into the shell: it makes no process with the secret among its arguments.
 */
const HELPER =
  '!f() { test "$1" = get || exit 0; IFS= read -r u <&3 && IFS= read -r p <&3 && printf "%s\\n%s\\n" "$u" "$p"; }; f';
const COPIES = 4;

/** Makes the helper; `remote-credential` for text that git's credential protocol cannot carry. */
export function makeCredentialHelper(credential: RemoteCredential): CredentialHelper {
  const { username, password } = credential;
  if (/[\0\r\n]/.test(username + password)) {
    throw new HeliostatError(
      "remote-credential",
      "The user name or password holds a line break: enter it again.",
    );
  }
  return {
    config: [["credential.helper", HELPER]],
    fd3Input: Buffer.from(`username=${username}\npassword=${password}\n`.repeat(COPIES)),
    secrets: credentialSecrets(username, password),
  };
}
