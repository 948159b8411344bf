import { HeliostatError } from "../../domain/errors.ts";
import type { Principal, User } from "../../domain/user.ts";
import { auditedUser } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";

/**
 * Takes the second factor of the user of this name away, in the name of the machine: whoever may run commands on it as
 * the server may. For when nobody can sign in any more. `not-found`; `conflict` when there is none.
 */
export async function disableSecondFactorOnMachine(
  ports: Pick<Ports, "audit" | "clock" | "users"> & {
    readonly secondFactors: Pick<Ports["secondFactors"], "remove">;
  },
  username: string,
): Promise<User> {
  const user = await ports.users.findByUsername(username);
  if (!user) throw new HeliostatError("not-found", `There is no user ${username}.`);
  if (!(await ports.secondFactors.remove(user.id))) {
    throw new HeliostatError("conflict", `${user.username} has no second factor.`);
  }
  const machine: Principal = { kind: "anonymous", from: { door: "cli", address: null } };
  await recordAudit(ports, machine, {
    action: "two-factor-disabled-by-admin",
    entity: auditedUser(user),
  });
  return user;
}
