import { once } from "node:events";
import { createServer, type IncomingMessage, request as sendRequest } from "node:http";
import type { AddressInfo } from "node:net";

export interface RedirectingPeer {
  readonly url: string;
  /** Paths of the requests so far. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

/**
 * Stands before a git host: a request for which `redirect` answers a status and a place is sent there, the others are
 * passed on.
 */
export async function startRedirectingPeer(options: {
  readonly address: string;
  readonly port: number;
  /** The host that it stands before. */
  readonly upstream: string;
  readonly redirect: (request: IncomingMessage) => { readonly status: number; readonly to: string } | null;
}): Promise<RedirectingPeer> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    paths.push(path);
    const redirect = options.redirect(request);
    if (redirect !== null) {
      request.resume();
      response.writeHead(redirect.status, { location: redirect.to }).end();
      return;
    }
    const { method = "GET", headers } = request;
    const passed = sendRequest(`${options.upstream}${path}`, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  server.listen(options.port, options.address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.address}:${port}`,
    paths,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
