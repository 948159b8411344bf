import { connect, type Socket } from "node:net";
import { HeliostatError } from "../../domain/errors.ts";
import { networkError } from "../remote-errors.ts";

/** Where a connection is to lead. */
export interface Route {
  /** For messages, and for a proxy that looks it up. */
  readonly host: string;
  readonly port: number;
  /** The checked address; null where a proxy looks the host up. */
  readonly address: string | null;
  /** As `RemoteAccess.proxy`. */
  readonly proxy?: string | undefined;
}

/** A connection over which nothing was sent to the remote yet; the caller's to close and to listen to. */
export type OpenSocket = (
  route: Route,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<Socket>;

/** Goes to the checked address by itself. The signal's reason is a HeliostatError, and is thrown. */
export const openDirectSocket: OpenSocket = async ({ host, port, address }, { timeoutMs, signal }) => {
  if (address === null) throw new HeliostatError("bug", "a remote without a checked address");
  signal.throwIfAborted();
  const socket = connect({ host: address, port, noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new HeliostatError("remote-timeout", `${host} cannot be reached in time.`)),
    timeoutMs,
  );
  const cancel = () => reject(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  socket.once("connect", resolve);
  // For good: an error without a listener would end the process.
  socket.on("error", reject);
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw networkError(error, host, false);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
};
