import { z } from "zod";
import { TOKEN_SCOPES } from "../words.ts";
import {
  filledText,
  nullableDate,
  optionalRowId,
  pageParams,
  rowId,
  timestamp,
  wordList,
} from "./parameters.ts";

export const accessTokenSchema = z.object({
  id: z.int(),
  name: z.string(),
  revoked: z.boolean(),
  created_at: timestamp,
  description: z.string().nullable(),
  scopes: z.array(z.enum(TOKEN_SCOPES)),
  user_id: z.int(),
  last_used_at: timestamp.nullable(),
  active: z.boolean(),
  expires_at: z.iso.date().nullable(),
});
export type AccessTokenAnswer = z.infer<typeof accessTokenSchema>;

/** The answer to the creation, the only one with the secret. */
export const createdAccessTokenSchema = accessTokenSchema.extend({ token: z.string() });
export type CreatedAccessTokenAnswer = z.infer<typeof createdAccessTokenSchema>;

export const accessTokenListParams = z.object({ user_id: optionalRowId, ...pageParams });
export const accessTokenParams = z.object({ id: rowId });

export const newAccessTokenParams = z.object({
  name: filledText,
  scopes: wordList(TOKEN_SCOPES),
  expires_at: nullableDate,
});
