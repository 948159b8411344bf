import type { FastifyRequest } from "fastify";

/**
 * Scheme, host and port that this client uses for us, with the path before `/api` where the external URL has one.
 * A Host header that names the external URL's host means that URL: then a proxy in front may speak https to the
 * client and http to us. One that no host name could be is not echoed.
 */
export function requestOrigin(request: FastifyRequest, externalUrl: string): string {
  const { host } = request;
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)) return externalUrl;
  if (host.toLowerCase() === new URL(externalUrl).host) return externalUrl;
  return `${request.protocol === "https" ? "https" : "http"}://${host}`;
}
