import type { AuthHandlerMiddleware, ParsedKey, Prompt } from "ssh2";
import type { RemoteCredential } from "../../app/ports.ts";
import { HeliostatError } from "../../domain/errors.ts";
import { loadSsh2 } from "../../load-ssh2.ts";

/** How we sign in to a server; made for one connection. */
export interface Authentication {
  readonly handler: AuthHandlerMiddleware;
  /** Why a server that ended the connection while we signed in did so; null when nothing was refused yet. */
  refusal(): HeliostatError | null;
}

/** A server that asks on and on is stopped. */
const MAX_ROUNDS = 4;

/**
 * Asks first what the server takes, as OpenSSH does, then shows the key, or else the password: by the method
 * `password`, or by `keyboard-interactive` where a server has that instead. Nothing else is tried. A password is shown
 * once: each refusal counts towards the locks that hosts put on an account. `onRefused` gets `ssh-key-refused` or `remote-credential`. Throws `ssh-key-refused` for a private key that
 * cannot be read.
 */
export function createAuthentication(
  { username, host, credential }: { username: string; host: string; credential: RemoteCredential | null },
  onRefused: (error: HeliostatError) => void,
): Authentication {
  const key = credential?.privateKey === undefined ? null : readKey(credential.privateKey);
  const password = key === null ? (credential?.password ?? "") : "";
  const keysLeft = key === null ? [] : signersOf(key);
  const tried: string[] = [];
  let taken: readonly string[] = [];

  const handler: AuthHandlerMiddleware = (methodsLeft: readonly string[] | null, partialSuccess, next) => {
    if (methodsLeft === null) {
      next({ type: "none", username });
      return;
    }
    taken = methodsLeft;
    if (partialSuccess) return onRefused(wantsMore());
    const signer = methodsLeft.includes("publickey") ? keysLeft.shift() : undefined;
    const showsPassword = password !== "" && tried.length === 0;
    if (signer !== undefined) {
      tried.push("publickey");
      next({ type: "publickey", username, key: signer });
    } else if (showsPassword && methodsLeft.includes("password")) {
      tried.push("password");
      next({ type: "password", username, password });
    } else if (showsPassword && methodsLeft.includes("keyboard-interactive")) {
      tried.push("keyboard-interactive");
      next({ type: "keyboard-interactive", username, prompt: answerWith(password) });
    } else {
      onRefused(describe());
    }
  };

  /** To the first hidden question. What else is asked, a second factor perhaps, gets an empty answer. */
  function answerWith(secret: string) {
    let isAnswered = false;
    let rounds = 0;
    return (
      _name: string,
      _instructions: string,
      _language: string,
      prompts: readonly Prompt[],
      finish: (answers: string[]) => void,
    ): void => {
      rounds += 1;
      if (rounds > MAX_ROUNDS) {
        onRefused(describe());
        return;
      }
      finish(
        prompts.map(({ echo }) => {
          if (isAnswered || echo === true) return "";
          isAnswered = true;
          return secret;
        }),
      );
    };
  }

  function describe(): HeliostatError {
    const methods = taken.map((method) => method.replace(/[^!-~]/g, "?")).slice(0, 8);
    const takes = methods.length === 0 ? "" : ` It takes: ${methods.join(", ")}.`;
    if (key !== null) {
      return new HeliostatError(
        "ssh-key-refused",
        tried.length > 0
          ? `${host} refused the SSH key of this mirror. Add its public key there, to an account or as a deploy key, and check the user name in the URL.`
          : `${host} takes no SSH keys from this user.${takes}`,
      );
    }
    if (password !== "") {
      return new HeliostatError(
        "remote-credential",
        tried.length > 0
          ? `${host} refused the user name or password. Set valid ones.`
          : `${host} takes no passwords from this user.${takes} Use an SSH key for this mirror.`,
      );
    }
    return taken.includes("publickey")
      ? new HeliostatError(
          "ssh-key-refused",
          `${host} asks for an SSH key, and this mirror has none.${takes}`,
        )
      : new HeliostatError(
          "remote-credential",
          `${host} asks for a password, and this mirror has none.${takes}`,
        );
  }

  function wantsMore(): HeliostatError {
    const what = key === null ? "password" : "SSH key";
    return new HeliostatError(
      key === null ? "remote-credential" : "ssh-key-refused",
      `${host} took the ${what}, and asks for a second factor (${taken.join(", ").replace(/[^!-~ ]/g, "?")}), which no mirror can show. Use an account that needs none.`,
    );
  }

  return { handler, refusal: () => (tried.length > 0 ? describe() : null) };
}

/**
 * The ways to sign with a key. The library signs with RSA and SHA-256 wherever the server lists that, and servers list it
 * that do not take it (sshd does, whatever its `PubkeyAcceptedAlgorithms`), so the same key follows with SHA-512: under
 * that name, for which the library asks the key itself.
 */
function signersOf(key: ParsedKey): ParsedKey[] {
  if (key.type !== "ssh-rsa") return [key];
  const sha512: ParsedKey = Object.create(key, {
    type: { value: "rsa-sha2-512" },
    sign: { value: (data: Buffer | string) => key.sign(data, "sha512") },
  });
  return [key, sha512];
}

function readKey(text: string): ParsedKey {
  const key = loadSsh2().utils.parseKey(text);
  if (key instanceof Error || !key.isPrivateKey()) {
    // Without a cause: it might quote the key.
    throw new HeliostatError(
      "ssh-key-refused",
      "The private SSH key of this mirror cannot be read. Make a new key pair for it.",
    );
  }
  return key;
}
