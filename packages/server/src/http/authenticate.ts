import type { IncomingHttpHeaders } from "node:http";
import type { SignedIn, UseCases } from "../app/use-cases.ts";
import { HeliostatError } from "../domain/errors.ts";
import { TOKEN_PREFIXES } from "../domain/token-prefixes.ts";
import type { Origin, Principal } from "../domain/user.ts";
import type { RawParameters } from "./request-parameters.ts";

/** What of a request says who makes it. */
export interface ApiCall {
  readonly headers: IncomingHttpHeaders;
  readonly parameters: RawParameters;
  readonly from: Origin;
  /** Whether it asks for another secret in the place of the one that it came with. */
  readonly rotates?: boolean;
  /** Who the session cookie stands for; asked only where no token came. */
  readonly bySession: () => Promise<SignedIn | null>;
}

/**
 * Who calls the API: the owner of the token in the `private_token` parameter, the `PRIVATE-TOKEN` header or the
 * `Authorization: Bearer` header, in this order; else whose session it is; else nobody. Basic credentials are not ours: they may be meant for a
 * proxy. A token that is no good is an error even where nobody is welcome too.
 */
export async function authenticateApi(useCases: UseCases, call: ApiCall): Promise<Principal> {
  const { headers, parameters, from, rotates = false } = call;
  const parameter = parameters["private_token"];
  const secret = typeof parameter === "string" && parameter !== "" ? parameter : privateToken(headers);
  if (secret !== null) {
    const owner = await useCases.authenticateToken(secret, from, { rotates });
    if (owner === null) throw new HeliostatError("unauthenticated", "The token is unknown.");
    return await actFor(useCases, owner, call);
  }
  const bearer = bearerToken(headers);
  if (bearer !== null) {
    const owner = await useCases.authenticateToken(bearer, from, { rotates });
    if (owner === null) throw new HeliostatError("token-invalid", "The token is unknown.");
    return await actFor(useCases, owner, call);
  }
  if (headers["job-token"] !== undefined) {
    throw new HeliostatError("unauthenticated", "There are no CI jobs here.");
  }
  const owner = await call.bySession();
  if (owner === null) return { kind: "anonymous", from };
  if (wishOfSudo(call) !== null) {
    throw new HeliostatError("forbidden", "Must be authenticated using an access token to use sudo");
  }
  return owner;
}

/**
 * The trigger token among the secrets that a request shows in one of the places where senders of webhooks can put one;
 * null where there is none.
 */
export function readTriggerToken({
  headers,
  parameters,
}: Pick<ApiCall, "headers" | "parameters">): string | null {
  const shown: readonly unknown[] = [
    headers["x-heliostat-token"],
    headers["x-gitlab-token"],
    privateToken(headers),
    bearerToken(headers),
    parameters["token"],
    parameters["private_token"],
  ];
  for (const secret of shown) {
    if (typeof secret === "string" && secret.startsWith(TOKEN_PREFIXES.trigger)) return secret;
  }
  return null;
}

/**
 * Who a git client is: by token headers, or by Basic credentials in any of the forms in use. Nobody when none came;
 * `unauthenticated` when they are wrong.
 */
export async function authenticateGit(
  useCases: UseCases,
  { headers, from }: { readonly headers: IncomingHttpHeaders; readonly from: Origin },
): Promise<Principal> {
  const token = privateToken(headers) ?? bearerToken(headers);
  if (token !== null) return wanted(await useCases.authenticateToken(token, from));
  const basic = schemeValue(headers, "basic");
  if (basic === null) return { kind: "anonymous", from };
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1) return wanted(null);
  return wanted(
    await useCases.authenticateGit({ username: text.slice(0, colon), password: text.slice(colon + 1) }, from),
  );
}

function wanted(owner: SignedIn | null): Principal {
  if (owner === null) throw new HeliostatError("unauthenticated", "The credentials are wrong.");
  return owner;
}

function privateToken(headers: IncomingHttpHeaders): string | null {
  const value = headers["private-token"];
  return typeof value === "string" && value !== "" ? value : null;
}

function bearerToken(headers: IncomingHttpHeaders): string | null {
  return schemeValue(headers, "bearer");
}

function schemeValue(headers: IncomingHttpHeaders, scheme: string): string | null {
  const match = /^([A-Za-z]+) +(\S+) *$/.exec(headers.authorization ?? "");
  return match?.[1]?.toLowerCase() === scheme ? (match[2] ?? null) : null;
}

/** `Sudo`: an admin acts for another user. Ignoring it would do the right thing as the wrong user. */
async function actFor(useCases: UseCases, principal: SignedIn, call: ApiCall): Promise<Principal> {
  const wish = wishOfSudo(call);
  return wish === null ? principal : await useCases.actAs(principal, wish);
}

function wishOfSudo({ headers, parameters }: ApiCall): string | null {
  const wish = headers["sudo"] ?? parameters["sudo"];
  return (typeof wish !== "string" && typeof wish !== "number") || wish === "" ? null : String(wish);
}
