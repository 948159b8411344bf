import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Provider } from "oidc-provider";

export interface ProviderPerson {
  /** What the provider says of them besides `sub`, such as `email` and `preferred_username`. */
  readonly [claim: string]: unknown;
}

export interface ProviderOptions {
  readonly redirectUri: string;
  /** By their `sub`, which is also the name that they sign in by there. */
  readonly people: Readonly<Record<string, ProviderPerson>>;
  /** Port of an earlier one that is to come back; left out: any. */
  readonly port?: number;
}

/** A real OpenID Connect provider in this process, over http on this machine. */
export interface TestProvider {
  readonly issuer: string;
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Paths that were asked for, without queries, in their order. */
  readonly asked: readonly string[];
  /** Signs these claims into ID tokens in the place of the right ones; null: no more. */
  changeTokens(claims: Readonly<Record<string, unknown>> | null): void;
  /** Answers requests to a path in the provider's place while it is set. */
  answerInstead(path: string, answer: ((response: ServerResponse) => void) | null): void;
  stop(): Promise<void>;
}

const CLIENT_ID = "heliostat-under-test";
const KEY_ID = "key-under-test";
const CLIENT_SECRET = "client-secret-under-test";

/**
 * Starts the npm package `oidc-provider` with its own pages for signing in: any user name that is somebody's `sub`, with
 * any password.
 */
export async function startOidcProvider(options: ProviderOptions): Promise<TestProvider> {
  const server = createServer();
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  // Another site than the server under test, which is at 127.0.0.1: cookies are as strict as between strangers.
  const issuer = `http://localhost:${address.port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: KEY_ID, use: "sig", alg: "RS256" }] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [options.redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: {
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
    },
    cookies: { keys: ["a key of the provider under test"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    async findAccount(_context, sub) {
      const person = options.people[sub];
      if (person === undefined) return undefined;
      return { accountId: sub, claims: async () => ({ sub, ...person }) };
    },
  });
  const answer = provider.callback();
  const asked: string[] = [];
  let changes: Readonly<Record<string, unknown>> | null = null;
  const instead = new Map<string, (response: ServerResponse) => void>();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    asked.push(path);
    const other = instead.get(path);
    if (other !== undefined) {
      other(response);
      return;
    }
    if (changes !== null && path === "/token") changeAnswer(response, changes, privateKey);
    void answer(request, response);
  });
  return {
    issuer,
    port: address.port,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    asked,
    changeTokens(claims) {
      changes = claims;
    },
    answerInstead(path, other) {
      if (other === null) instead.delete(path);
      else instead.set(path, other);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Lets an answer with an ID token end with one of other claims, signed all the same. */
function changeAnswer(
  response: ServerResponse,
  claims: Readonly<Record<string, unknown>>,
  key: KeyObject,
): void {
  const end = response.end.bind(response);
  response.end = (chunk?: unknown) => {
    const answer = JSON.parse(String(chunk));
    const [header = "", payload = ""] = String(answer.id_token).split(".");
    const changed = { ...JSON.parse(Buffer.from(payload, "base64url").toString()), ...claims };
    const text = `${header}.${Buffer.from(JSON.stringify(changed)).toString("base64url")}`;
    const signature = sign("sha256", Buffer.from(text), key).toString("base64url");
    const body = JSON.stringify({ ...answer, id_token: `${text}.${signature}` });
    response.setHeader("content-length", Buffer.byteLength(body));
    return end(body);
  };
}
