import { HeliostatError, invalidField } from "../../domain/errors.ts";
import {
  formatRecoveryCode,
  formatTotpSecret,
  RECOVERY_CODE_BYTES,
  RECOVERY_CODES,
  SECRET_BYTES,
  stepOfCode,
  totpUrl,
  unconfirmedSince,
} from "../../domain/second-factor.ts";
import type { Principal, User } from "../../domain/user.ts";
import { requireAdmin, requireInPerson } from "../access.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Instance, Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { CheckPassword } from "../sign-in/check-password.ts";
import { endSessionsOf } from "../sign-in/sessions.ts";
import { beginCodeTry } from "../sign-in/throttle.ts";
import { requirePassword, requireProof } from "./require-proof.ts";
import type { SecondFactorUseCases } from "./second-factor-use-cases.ts";
import { digestRecoveryCode } from "./take-code.ts";

export type SecondFactorPorts = Pick<
  Ports,
  "audit" | "clock" | "randomBytes" | "secondFactors" | "sessions" | "settings" | "signInFailures" | "users"
> & { readonly instance: Pick<Instance, "externalUrl"> };

/** Sets second factors up and takes them away. */
export function secondFactorUseCases(
  ports: SecondFactorPorts,
  checkPassword: CheckPassword,
): SecondFactorUseCases {
  const { secondFactors } = ports;

  function makeRecoveryCodes(): { codes: readonly string[]; digests: readonly Buffer[] } {
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      formatRecoveryCode(ports.randomBytes(RECOVERY_CODE_BYTES)),
    );
    return { codes, digests: codes.map(digestRecoveryCode) };
  }

  async function note(principal: Principal, action: string, { id, username }: User): Promise<void> {
    await recordAudit(ports, principal, { action, entity: auditedUser({ id, username }) });
  }

  return {
    async readSecondFactor(principal) {
      const signedIn = requireInPerson(principal);
      const { user } = signedIn;
      const stored = await secondFactors.find(user.id);
      const isEnabled = stored !== null && stored.confirmedAt !== null;
      return {
        isEnabled,
        enabledAt: stored?.confirmedAt ?? null,
        recoveryCodes: isEnabled ? stored.recoveryCodes : 0,
        isUnreadable: isEnabled && stored.secret === null,
        isRequired: (await ports.settings.read()).requiresSecondFactor,
      };
    },
    async beginSecondFactor(principal, { password }) {
      const signedIn = requireInPerson(principal);
      const { user } = signedIn;
      if (user.hasSecondFactor) throw alreadyThere();
      await requirePassword(ports, checkPassword, signedIn, password);
      const secret = formatTotpSecret(ports.randomBytes(SECRET_BYTES));
      if (!(await secondFactors.begin(user.id, secret, ports.clock.now()))) throw alreadyThere();
      const { host } = new URL(ports.instance.externalUrl);
      return { secret, url: totpUrl({ secret, username: user.username, host }) };
    },
    async confirmSecondFactor(principal, code) {
      const signedIn = requireInPerson(principal);
      const { user } = signedIn;
      const stored = await secondFactors.find(user.id);
      if (stored !== null && stored.confirmedAt !== null) throw alreadyThere();
      if (stored === null || stored.secret === null) {
        throw new HeliostatError("conflict", "There is nothing to confirm. Begin with a new secret.");
      }
      const at = ports.clock.now();
      if (stored.begunAt === null || stored.begunAt < unconfirmedSince(at)) {
        throw new HeliostatError("conflict", "This secret was not confirmed in time. Begin with a new one.");
      }
      const attempt = await beginCodeTry(ports, user.id);
      const step = stepOfCode(stored.secret, code, at);
      if (step === null) throw invalidField("code", "is wrong: enter the one that your app shows now");
      await attempt.succeeded();
      const { codes, digests } = makeRecoveryCodes();
      const confirmed = { secret: stored.secret, step, recoveryDigests: digests, at };
      if (!(await secondFactors.confirm(user.id, confirmed))) {
        throw new HeliostatError("conflict", "Another secret was begun with meanwhile. Confirm that one.");
      }
      await note(principal, "two-factor-enabled", user);
      // Whoever is signed in as them elsewhere has shown no code.
      await endSessionsOf(ports, principal, user, signedIn.session?.id ?? null);
      return codes;
    },
    async replaceRecoveryCodes(principal, proof) {
      const signedIn = requireInPerson(principal);
      const { user } = signedIn;
      if (!user.hasSecondFactor) throw notThere();
      await requireProof(ports, checkPassword, signedIn, proof);
      const { codes, digests } = makeRecoveryCodes();
      await secondFactors.replaceRecoveryCodes(user.id, digests);
      await note(principal, "two-factor-recovery-codes-replaced", user);
      return codes;
    },
    async removeSecondFactor(principal, proof) {
      const signedIn = requireInPerson(principal);
      const { user } = signedIn;
      if (!user.hasSecondFactor) throw notThere();
      await requireProof(ports, checkPassword, signedIn, proof);
      if (await secondFactors.remove(user.id)) await note(principal, "two-factor-disabled", user);
    },
    async disableSecondFactorOf(principal, userId) {
      requireAdmin(principal);
      const user = await ports.users.find(userId);
      if (!user) throw new HeliostatError("not-found", "User Not Found");
      if (!(await secondFactors.remove(user.id))) {
        throw new HeliostatError(
          "parameter-invalid",
          "Two-factor authentication is not enabled for this user",
        );
      }
      await note(principal, "two-factor-disabled-by-admin", user);
    },
  };
}

function alreadyThere(): HeliostatError {
  return new HeliostatError("conflict", "There is a second factor already. Switch it off first.");
}

function notThere(): HeliostatError {
  return new HeliostatError("conflict", "There is no second factor. Set one up first.");
}
