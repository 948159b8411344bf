import { HeliostatError } from "../../domain/errors.ts";
import type { RemoteAccess, Remotes, TransferOptions } from "../ports.ts";

/**
 * Runs a transfer by git. Git says that the remote redirects, and not where to; a listing in process is told. So the
 * error names the new location, unless only git's own request is redirected.
 */
export async function nameRedirect<T>(
  remotes: Pick<Remotes, "listRefs">,
  remote: RemoteAccess,
  options: TransferOptions,
  transfer: () => Promise<T>,
): Promise<T> {
  try {
    return await transfer();
  } catch (error) {
    if (!isRedirect(error)) throw error;
    const named = await remotes.listRefs(remote, options).then(
      () => null,
      (told: unknown) => told,
    );
    throw isRedirect(named) ? named : error;
  }
}

function isRedirect(error: unknown): error is HeliostatError {
  return error instanceof HeliostatError && error.code === "remote-redirects";
}
