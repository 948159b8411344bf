import { createdAccessTokenSchema } from "@heliostat/contract/api/access-tokens.ts";
import { publicUserSchema } from "@heliostat/contract/api/users.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";

export interface CreateTokenFlags extends CommonFlags {
  readonly user: string;
  readonly name: string;
  /** With commas. */
  readonly scopes: string;
  readonly expiresAt?: string;
}

/** `heliostat admin create-token`: prints the secret, or with `--json` the whole answer. */
export async function createToken(flags: CreateTokenFlags): Promise<number> {
  const api = await connect(flags);
  const [user] = publicUserSchema
    .array()
    .parse(await api.call("GET", `/users?username=${encodeURIComponent(flags.user)}`));
  if (user === undefined) throw new HeliostatError("not-found", `There is no user ${flags.user}.`);
  const draft = { name: flags.name, scopes: flags.scopes, expires_at: flags.expiresAt ?? null };
  const made = createdAccessTokenSchema.parse(
    await api.call("POST", `/users/${user.id}/personal_access_tokens`, draft),
  );
  console.log(flags.json ? JSON.stringify(made, null, 2) : made.token);
  return 0;
}
