import type { ExternalUser } from "../app/ports.ts";

/** More than any name or address of a person has. */
const LONGEST = 255;

/** What we want to know of somebody, from the claims of an ID token or of the userinfo endpoint. */
export function readClaims(
  claims: Readonly<Record<string, unknown>>,
): Pick<ExternalUser, "email" | "isEmailVerified" | "username" | "name"> {
  return {
    email: textOf(claims["email"]),
    isEmailVerified: flagOf(claims["email_verified"]),
    username: textOf(claims["preferred_username"]) ?? textOf(claims["nickname"]),
    name: textOf(claims["name"]),
  };
}

function textOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const text = value.replace(/\p{Cc}/gu, "").trim();
  return text === "" || text.length > LONGEST ? null : text;
}

/** Some providers send it as text. */
function flagOf(value: unknown): boolean | null {
  if (value === true || value === "true") return true;
  return value === false || value === "false" ? false : null;
}
