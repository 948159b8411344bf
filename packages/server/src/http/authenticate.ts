import type { IncomingHttpHeaders } from "node:http";
import type { TokenScope } from "@heliostat/contract";
import type { SignedIn, UseCases } from "../app/use-cases.ts";
import { HeliostatError } from "../domain/errors.ts";
import type { Principal } from "../domain/user.ts";
import type { RawParameters } from "./request-parameters.ts";

const ANONYMOUS: Principal = { kind: "anonymous" };

/**
 * Who calls the API: the owner of the token in the `private_token` parameter, the `PRIVATE-TOKEN` header or the
 * `Authorization: Bearer` header, in this order; else nobody. Basic credentials are not ours: they may be meant for a
 * proxy. A token that is no good is an error even where nobody is welcome too.
 */
export async function authenticateApi(
  useCases: UseCases,
  headers: IncomingHttpHeaders,
  parameters: RawParameters,
): Promise<Principal> {
  const parameter = parameters["private_token"];
  const secret = typeof parameter === "string" && parameter !== "" ? parameter : privateToken(headers);
  if (secret !== null) {
    const owner = await useCases.authenticateToken(secret);
    if (owner === null) throw new HeliostatError("unauthenticated", "The token is unknown.");
    return await actFor(useCases, owner, headers, parameters);
  }
  const bearer = bearerToken(headers);
  if (bearer !== null) {
    const owner = await useCases.authenticateToken(bearer);
    if (owner === null) throw new HeliostatError("token-invalid", "The token is unknown.");
    return await actFor(useCases, owner, headers, parameters);
  }
  if (headers["job-token"] !== undefined) {
    throw new HeliostatError("unauthenticated", "There are no CI jobs here.");
  }
  return ANONYMOUS;
}

/**
 * Who a git client is: by token headers, or by Basic credentials in any of the forms in use. Nobody when none came;
 * `unauthenticated` when they are wrong.
 */
export async function authenticateGit(useCases: UseCases, headers: IncomingHttpHeaders): Promise<Principal> {
  const token = privateToken(headers) ?? bearerToken(headers);
  if (token !== null) return wanted(await useCases.authenticateToken(token));
  const basic = schemeValue(headers, "basic");
  if (basic === null) return ANONYMOUS;
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1) return wanted(null);
  return wanted(
    await useCases.authenticateGit({ username: text.slice(0, colon), password: text.slice(colon + 1) }),
  );
}

/** `insufficient-scope` unless the principal signed in by password or the token has one of the scopes. */
export function requireScope(principal: Principal, scopes: readonly TokenScope[]): void {
  if (principal.kind === "anonymous" || principal.token === null) return;
  const { token } = principal;
  if (scopes.some((scope) => token.scopes.includes(scope))) return;
  throw new HeliostatError(
    "insufficient-scope",
    `The token needs one of these scopes: ${scopes.join(", ")}.`,
    {
      fields: { scope: scopes },
    },
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
async function actFor(
  useCases: UseCases,
  principal: SignedIn,
  headers: IncomingHttpHeaders,
  parameters: RawParameters,
): Promise<Principal> {
  const wish = headers["sudo"] ?? parameters["sudo"];
  if ((typeof wish !== "string" && typeof wish !== "number") || wish === "") return principal;
  const name = String(wish);
  if (!principal.user.isAdmin) throw new HeliostatError("forbidden", "Must be admin to use sudo");
  requireScope(principal, ["sudo"]);
  const byName = await useCases.listUsers(principal, { username: name }, { page: 1, perPage: 1 });
  const [named] = byName.items;
  if (named !== undefined) return { ...principal, user: named };
  if (!/^\d{1,9}$/.test(name)) throw noUser(name);
  try {
    return { ...principal, user: await useCases.findUser(principal, Number(name)) };
  } catch (error) {
    if (error instanceof HeliostatError && error.code === "not-found") throw noUser(name);
    throw error;
  }
}

function noUser(name: string): HeliostatError {
  return new HeliostatError("not-found", `User with ID or username '${name}' Not Found`);
}
