import { type IncomingLimits, roomFor } from "../../domain/incoming-limits.ts";
import type { Admission, Ports } from "../ports.ts";

/** What may come into the repository as it is now. It is measured only where its size is limited. */
export async function admissionTo(
  { repositories }: Pick<Ports, "repositories">,
  path: string,
  limits: IncomingLimits,
): Promise<Admission> {
  const room = limits.repositoryBytes === null ? null : roomFor(limits, await repositories.measure(path));
  return { limits, room };
}
