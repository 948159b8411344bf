import type { SecondFactorUseCases } from "../../../app/second-factor/second-factor-use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";

async function refuse(): Promise<never> {
  throw new HeliostatError("conflict", "There is no second factor.");
}

/** Nobody has a second factor. */
export function secondFactorInMemory(): SecondFactorUseCases {
  return {
    readSecondFactor: refuse,
    beginSecondFactor: refuse,
    confirmSecondFactor: refuse,
    replaceRecoveryCodes: refuse,
    removeSecondFactor: refuse,
    disableSecondFactorOf: refuse,
  };
}
