import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { Algorithms, Connection, EncryptedPrivateKey, ServerConfig } from "ssh2";
import type { Log } from "../app/ports.ts";
import { HeliostatError } from "../domain/errors.ts";
import { loadSsh2 } from "../load-ssh2.ts";
import { SERVER_ALGORITHMS } from "./algorithms.ts";
import type { HostKey } from "./host-keys.ts";
import { type SshClient, serveConnection } from "./serve-connection.ts";
import { KEEPALIVES_IN_VAIN, SSH_LIMITS, type SshDoor, type SshLimits } from "./ssh-door.ts";
import { asHostKeys } from "./tame-ssh2.ts";

export interface SshServerOptions {
  readonly useCases: SshDoor["useCases"];
  readonly log: Log;
  readonly hostKeys: readonly HostKey[];
  readonly limits?: Partial<SshLimits>;
}

export interface SshServer {
  /** Answers the port. Rejects with the system's error when the address cannot be had. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
  isListening(): boolean;
  /** Takes nobody in any more, lets what is under way end, and cuts what has not ended after the drain time. */
  close(): Promise<void>;
}

/**
 * The SSH door: git, for whoever shows a key that somebody has stored here, and nothing else. The package that speaks SSH
 * is loaded with the first connection: a server that nobody uses by SSH need not hold it.
 */
export function createSshServer({ useCases, log, hostKeys, ...options }: SshServerOptions): SshServer {
  const limits: SshLimits = { ...SSH_LIMITS, ...options.limits };
  const door: SshDoor = { useCases, log, limits };
  const connections = new Map<Socket, { readonly address: string; isStranger: boolean }>();
  const clients = new Set<SshClient>();
  let isClosing = false;
  let hostKeysOfLibrary: EncryptedPrivateKey[] | null = null;

  const listener = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    socket.on("error", () => {});
    const address = socket.remoteAddress ?? "";
    if (isClosing || isTooMany(address)) {
      log.debug({ address }, "an SSH connection too many");
      socket.destroy();
      return;
    }
    const connection = { address, isStranger: true };
    connections.set(socket, connection);
    const tooLate = setTimeout(() => socket.destroy(), limits.signInMs);
    socket.once("close", () => {
      clearTimeout(tooLate);
      connections.delete(socket);
    });
    const onSignedIn = (): void => {
      clearTimeout(tooLate);
      connection.isStranger = false;
    };
    speak(socket, (client) => {
      const from = { door: "ssh", address: address.replace(/^::ffff:/, "") } as const;
      const served = serveConnection(door, { client, socket, from }, onSignedIn);
      clients.add(served);
      socket.once("close", () => clients.delete(served));
    });
  });

  /** One server of the library for each connection: that is how it tells which client is whose. */
  function speak(socket: Socket, onClient: (client: Connection) => void): void {
    hostKeysOfLibrary ??= hostKeys.flatMap(({ privateKey }) => asHostKeys(privateKey));
    const config: ServerConfig = {
      hostKeys: hostKeysOfLibrary,
      algorithms: algorithms(),
      ident: "Heliostat",
      keepaliveInterval: limits.keepaliveMs,
      keepaliveCountMax: KEEPALIVES_IN_VAIN,
    };
    new (loadSsh2().Server)(config, onClient).injectSocket(socket);
  }

  function isTooMany(address: string): boolean {
    const all = [...connections.values()];
    const ofAddress = all.filter((each) => each.address === address);
    const strangersIn = (some: typeof all) => some.filter(({ isStranger }) => isStranger).length;
    return (
      all.length >= limits.connections ||
      ofAddress.length >= limits.connectionsOfAddress ||
      strangersIn(all) >= limits.strangers ||
      strangersIn(ofAddress) >= limits.strangersOfAddress
    );
  }

  return {
    async listen(address) {
      listener.listen({ ...address });
      await once(listener, "listening");
      const bound = listener.address();
      if (bound === null || typeof bound === "string") throw new HeliostatError("bug", "no port");
      return bound.port;
    },
    isListening: () => listener.listening,
    async close() {
      isClosing = true;
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const [socket, { isStranger }] of connections) if (isStranger) socket.destroy();
      for (const client of clients) client.drain();
      const cut = setTimeout(() => {
        for (const socket of connections.keys()) socket.destroy();
      }, limits.drainMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** The library wants lists that it could change. */
function algorithms(): Algorithms {
  const { kex, cipher, hmac, compress } = SERVER_ALGORITHMS;
  return { kex: [...kex], cipher: [...cipher], hmac: [...hmac], compress: [...compress] };
}
