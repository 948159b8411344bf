import { z } from "zod";
import { ACCESS_LEVEL_NUMBERS, RESOURCE_TOKEN_SCOPES, TOKEN_SCOPES } from "../words.ts";
import {
  filledText,
  nullableDate,
  nullableText,
  optionalDate,
  optionalFlag,
  optionalMoment,
  optionalNumber,
  optionalRowId,
  optionalText,
  optionalWord,
  pageParams,
  pathOrId,
  rowId,
  timestamp,
  wordList,
} from "./parameters.ts";

export const accessTokenSchema = z
  .object({
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
  })
  .meta({ id: "AccessToken" });
export type AccessTokenAnswer = z.infer<typeof accessTokenSchema>;

/** The answer to the creation and to a rotation, the only ones with the secret. */
export const createdAccessTokenSchema = accessTokenSchema
  .extend({ token: z.string() })
  .meta({ id: "CreatedAccessToken" });
export type CreatedAccessTokenAnswer = z.infer<typeof createdAccessTokenSchema>;

/** A token of a project or a group, with what its bot is there. */
export const resourceTokenSchema = accessTokenSchema
  .extend({
    access_level: z.int(),
    resource_type: z.enum(["project", "group"]),
    resource_id: z.int(),
  })
  .meta({ id: "ResourceToken" });
export type ResourceTokenAnswer = z.infer<typeof resourceTokenSchema>;

export const createdResourceTokenSchema = resourceTokenSchema
  .extend({ token: z.string() })
  .meta({ id: "CreatedResourceToken" });
export type CreatedResourceTokenAnswer = z.infer<typeof createdResourceTokenSchema>;

const filterParams = {
  state: optionalWord(["active", "inactive"]),
  revoked: optionalFlag,
  search: optionalText,
  created_after: optionalMoment,
  created_before: optionalMoment,
  last_used_after: optionalMoment,
  last_used_before: optionalMoment,
  expires_after: optionalDate,
  expires_before: optionalDate,
  ...pageParams,
} as const;

export const accessTokenListParams = z.object({ user_id: optionalRowId, ...filterParams });
export const accessTokenParams = z.object({ id: rowId });

export const newAccessTokenParams = z.object({
  name: filledText,
  description: nullableText,
  scopes: wordList(TOKEN_SCOPES),
  expires_at: nullableDate,
});

/** `id`: of the user. */
export const newUserAccessTokenParams = newAccessTokenParams.extend({ id: rowId });

export const tokenRotationParams = z.object({ expires_at: optionalDate });
export const accessTokenRotationParams = tokenRotationParams.extend({ id: rowId });

/** `id`: of the project or group. */
export const resourceTokenListParams = z.object({ id: pathOrId, ...filterParams });
export const resourceTokenParams = z.object({ id: pathOrId, token_id: rowId });
export const newResourceTokenParams = newAccessTokenParams.extend({
  id: pathOrId,
  scopes: wordList(RESOURCE_TOKEN_SCOPES),
  access_level: optionalNumber(ACCESS_LEVEL_NUMBERS),
});
export const ownResourceTokenRotationParams = tokenRotationParams.extend({ id: pathOrId });
export const resourceTokenRotationParams = ownResourceTokenRotationParams.extend({ token_id: rowId });
