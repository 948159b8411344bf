import { z } from "zod";
import { filledText, optionalText, rowId, timestamp } from "./parameters.ts";

/** The second factor of whoever asks. */
export const twoFactorSchema = z
  .object({
    enabled: z.boolean(),
    enabled_at: timestamp.nullable(),
    recovery_codes_left: z.int(),
    /** The secrets file is lost: only recovery codes are taken. */
    unreadable: z.boolean(),
    /** Everybody must have one here who signs in by password. */
    required: z.boolean(),
  })
  .meta({ id: "TwoFactor" });
export type TwoFactorAnswer = z.infer<typeof twoFactorSchema>;

/** Shown once. */
export const twoFactorSecretSchema = z
  .object({
    secret: z.string(),
    /** `otpauth://…`, for the app. */
    url: z.string(),
  })
  .meta({ id: "TwoFactorSecret" });
export type TwoFactorSecretAnswer = z.infer<typeof twoFactorSecretSchema>;

/** Shown once. */
export const recoveryCodesSchema = z
  .object({ recovery_codes: z.array(z.string()) })
  .meta({ id: "RecoveryCodes" });
export type RecoveryCodesAnswer = z.infer<typeof recoveryCodesSchema>;

export const twoFactorBeginParams = z.object({ current_password: optionalText });
export const twoFactorConfirmParams = z.object({ code: filledText });
export const twoFactorProofParams = z.object({ current_password: optionalText, code: filledText });
export const twoFactorDisableParams = z.object({ id: rowId });
