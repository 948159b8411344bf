import { noParams } from "@heliostat/contract/api/parameters.ts";
import {
  type RecoveryCodesAnswer,
  recoveryCodesSchema,
  type TwoFactorAnswer,
  type TwoFactorSecretAnswer,
  twoFactorBeginParams,
  twoFactorConfirmParams,
  twoFactorDisableParams,
  twoFactorProofParams,
  twoFactorSchema,
  twoFactorSecretSchema,
} from "@heliostat/contract/api/two-factor.ts";
import { apiRoute, created, noContent, ok } from "../../api-route.ts";

/** The second factor of whoever is signed in; and that of others, for admins, at GitLab's address. */
export const twoFactorRoutes = [
  apiRoute({
    method: "GET",
    path: "/user/two_factor",
    access: "api",
    unfinished: true,
    summary: "Show one's second factor",
    params: noParams,
    answer: twoFactorSchema,
    handle: async ({ useCases, principal }) => {
      const state = await useCases.readSecondFactor(principal);
      const answer: TwoFactorAnswer = {
        enabled: state.isEnabled,
        enabled_at: state.enabledAt?.toISOString() ?? null,
        recovery_codes_left: state.recoveryCodes,
        unreadable: state.isUnreadable,
        required: state.isRequired,
      };
      return ok(answer);
    },
  }),
  apiRoute({
    method: "POST",
    path: "/user/two_factor",
    access: "api",
    unfinished: true,
    summary: "Begin to set up a second factor",
    params: twoFactorBeginParams,
    answer: twoFactorSecretSchema,
    handle: async ({ useCases, principal, params }) => {
      const proof = { password: params.current_password ?? "" };
      const answer: TwoFactorSecretAnswer = await useCases.beginSecondFactor(principal, proof);
      return created(answer);
    },
  }),
  apiRoute({
    method: "POST",
    path: "/user/two_factor/confirm",
    access: "api",
    unfinished: true,
    summary: "Confirm the second factor with a first code",
    params: twoFactorConfirmParams,
    answer: recoveryCodesSchema,
    handle: async ({ useCases, principal, params }) =>
      created(presentCodes(await useCases.confirmSecondFactor(principal, params.code))),
  }),
  apiRoute({
    method: "POST",
    path: "/user/two_factor/recovery_codes",
    access: "api",
    summary: "Make new recovery codes",
    params: twoFactorProofParams,
    answer: recoveryCodesSchema,
    handle: async ({ useCases, principal, params }) => {
      const proof = { password: params.current_password ?? "", code: params.code };
      return created(presentCodes(await useCases.replaceRecoveryCodes(principal, proof)));
    },
  }),
  apiRoute({
    method: "DELETE",
    path: "/user/two_factor",
    access: "api",
    summary: "Remove one's second factor",
    params: twoFactorProofParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      const proof = { password: params.current_password ?? "", code: params.code };
      await useCases.removeSecondFactor(principal, proof);
      return noContent();
    },
  }),
  apiRoute({
    method: "PATCH",
    path: "/users/:id/disable_two_factor",
    access: "api",
    summary: "Disable the second factor of a user",
    params: twoFactorDisableParams,
    answer: null,
    handle: async ({ useCases, principal, params }) => {
      await useCases.disableSecondFactorOf(principal, params.id);
      return noContent();
    },
  }),
];

function presentCodes(codes: readonly string[]): RecoveryCodesAnswer {
  return { recovery_codes: [...codes] };
}
