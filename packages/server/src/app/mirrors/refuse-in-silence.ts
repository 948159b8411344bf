import { HeliostatError } from "../../domain/errors.ts";
import type { InstanceSettings } from "../ports.ts";

/** In Silent Mode nothing goes out, nor what somebody asks for at the moment: `model-invalid` says so. */
export function refuseInSilence({ silentModeEnabled }: Pick<InstanceSettings, "silentModeEnabled">): void {
  if (silentModeEnabled) {
    throw new HeliostatError("model-invalid", "Silent Mode is on: nothing is spoken to until it ends.");
  }
}
