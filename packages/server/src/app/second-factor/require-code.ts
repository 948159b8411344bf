import { HeliostatError } from "../../domain/errors.ts";
import type { Origin, Principal, User } from "../../domain/user.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import { type CodePorts, takeCode } from "./take-code.ts";

/**
 * Takes the code of somebody whose password was right; `second-factor-needed` when it is missing or wrong, with what to
 * do, and `too-many-sign-ins` after too many wrong ones.
 */
export async function requireCode(
  ports: CodePorts & Pick<Ports, "audit">,
  user: User,
  code: string | null,
  from: Origin,
): Promise<void> {
  if (code === null || code.trim() === "") {
    throw new HeliostatError("second-factor-needed", "Enter the code of your app, or a recovery code.");
  }
  const { verdict, failures } = await takeCode(ports, user, code);
  const note = async (principal: Principal, action: string, details: Readonly<Record<string, unknown>>) =>
    await recordAudit(ports, principal, {
      ...{ action, details },
      entity: auditedUser(user),
    });
  switch (verdict) {
    case "app":
      return;
    case "recovery-code":
      await note({ kind: "user", token: null, user, memberships: [], from }, "recovery-code-used", {});
      return;
    case "unreadable":
      throw new HeliostatError(
        "second-factor-needed",
        "The secrets file of this server is lost: codes of your app cannot be checked. Enter a recovery code, or have an " +
          "admin switch your second factor off.",
      );
    case "wrong":
      await note({ kind: "anonymous", from }, "sign-in-failed", { failures, secondFactor: true });
      throw new HeliostatError(
        "second-factor-needed",
        "The code is wrong, or was used before. Enter the one that your app shows now, or a recovery code.",
      );
  }
}
