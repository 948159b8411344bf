import {
  type CreatedAccessTokenAnswer,
  createdAccessTokenSchema,
} from "@heliostat/contract/api/access-tokens.ts";
import { errorText } from "@heliostat/contract/api/error-text.ts";
import { type CurrentSessionAnswer, currentSessionSchema } from "@heliostat/contract/api/sessions.ts";
import { z } from "zod";
import { HeliostatError } from "../../domain/errors.ts";
import { refusal, unreachable } from "./api-client.ts";

export interface PasswordSignIn {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Of the second factor; asked for only when the server wants one. */
  readonly askCode: () => Promise<string>;
}

/** What the token is to be: parameters of the API. */
export interface TokenDraft {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expires_at: string | null;
}

/** A code that is mistyped, or that has just run out, is asked for again. */
const CODES = 3;

const refusedSchema = z.object({ error_code: z.string().optional() });

/**
 * Signs in as a browser does, makes an access token, and signs out: the password goes to the server once and is kept
 * nowhere. `unauthenticated` when name, password or code are wrong.
 */
export async function makeTokenByPassword(
  signIn: PasswordSignIn,
  draft: TokenDraft,
): Promise<CreatedAccessTokenAnswer> {
  const { url } = signIn;
  const { session, cookie } = await openSession(signIn);
  const headers = { cookie, "x-csrf-token": session.csrf_token ?? "" };
  try {
    if (session.must_set_up_two_factor) {
      throw new HeliostatError(
        "second-factor-needed",
        `This server wants everybody to have a second factor. Set yours up at ${url}/-/account, then sign in again.`,
      );
    }
    const { response, body } = await send(url, "/api/v4/user/personal_access_tokens", draft, headers);
    if (!response.ok) throw refusal(response.status, errorText(body));
    return createdAccessTokenSchema.parse(body);
  } finally {
    // Else it would end by itself, in a week.
    await send(url, "/users/sign_out", {}, headers).catch(() => null);
  }
}

async function openSession(
  signIn: PasswordSignIn,
): Promise<{ readonly session: CurrentSessionAnswer; readonly cookie: string }> {
  const { url, username, password, askCode } = signIn;
  let code: string | undefined;
  for (let asked = 0; ; asked += 1) {
    const { response, body } = await send(url, "/users/sign_in", { username, password, code }, {});
    if (response.ok) {
      const [given = ""] = response.headers.getSetCookie();
      const session = currentSessionSchema.safeParse(body);
      if (!session.success) throw noHeliostat(url);
      return { session: session.data, cookie: given.split(";", 1)[0] ?? "" };
    }
    const wantsCode = refusedSchema.safeParse(body).data?.error_code === "second-factor-needed";
    if (response.status === 404) throw noHeliostat(url);
    if (!wantsCode || asked === CODES) throw refusal(response.status, errorText(body));
    code = await askCode();
  }
}

/** A page of ours would say so, too: what comes with a cookie must come from the server's own address. */
async function send(
  url: string,
  path: string,
  parameters: object,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly response: Response; readonly body: unknown }> {
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url, ...headers },
      body: JSON.stringify(parameters),
      redirect: "error",
    });
  } catch (error) {
    throw unreachable(url, error);
  }
  return { response, body: await response.json().catch(() => null) };
}

function noHeliostat(url: string): HeliostatError {
  return new HeliostatError("remote-not-found", `What answers at ${url} is no Heliostat server.`);
}
