import { HeliostatError } from "../../domain/errors.ts";
import { networkOf } from "../../domain/sign-in-throttle.ts";
import type { Principal } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import type { ApiThrottleUseCases } from "./api-throttle-use-cases.ts";
import { createRequestCounts } from "./request-counts.ts";

/** Some five megabytes. */
const MOST_KEYS = 50_000;

/** Limits by GitLab's settings, kept by each node for itself: the database is asked for the settings only. */
export function apiThrottleUseCases(ports: Pick<Ports, "clock" | "log" | "settings">): ApiThrottleUseCases {
  const ofAddresses = createRequestCounts(MOST_KEYS);
  const ofUsers = createRequestCounts(MOST_KEYS);
  return {
    async countApiRequest(principal) {
      const settings = await ports.settings.read();
      const key = keyOf(principal);
      const limit =
        key.kind === "user"
          ? {
              name: "throttle_authenticated_api",
              isEnabled: settings.throttleAuthenticatedApiEnabled,
              requests: settings.throttleAuthenticatedApiRequestsPerPeriod,
              periodSeconds: settings.throttleAuthenticatedApiPeriodInSeconds,
              counts: ofUsers,
            }
          : {
              name: "throttle_unauthenticated_api",
              isEnabled: settings.throttleUnauthenticatedApiEnabled,
              requests: settings.throttleUnauthenticatedApiRequestsPerPeriod,
              periodSeconds: settings.throttleUnauthenticatedApiPeriodInSeconds,
              counts: ofAddresses,
            };
      if (!limit.isEnabled) return;
      const { name, requests, periodSeconds } = limit;
      const now = ports.clock.now();
      const { observed, resetsAt } = limit.counts.add(key.value, now, periodSeconds);
      if (observed <= requests) return;
      if (observed === requests + 1) {
        ports.log.warn(
          { [key.kind]: key.value, name, requests, periodSeconds },
          "an API client reached its limit",
        );
      }
      const retryAfterSeconds = Math.ceil((resetsAt.getTime() - now.getTime()) / 1000);
      throw new HeliostatError("too-many-requests", tooMany(key.kind, limit, retryAfterSeconds), {
        retryAfterSeconds,
        rateLimit: { name, requests, periodSeconds, observed, resetsAt },
      });
    },
  };
}

/** By `Sudo` it is the admin's request. Who has one address of an IPv6 network has all of it. */
function keyOf(principal: Principal): { readonly kind: "user" | "address"; readonly value: string } {
  if (principal.kind === "user") {
    return { kind: "user", value: String((principal.impersonator ?? principal.user).id) };
  }
  const address = principal.from?.address ?? null;
  return { kind: "address", value: address === null ? "unknown" : networkOf(address) };
}

function tooMany(
  kind: "user" | "address",
  { requests, periodSeconds }: { readonly requests: number; readonly periodSeconds: number },
  seconds: number,
): string {
  const whose = kind === "user" ? "of one user" : "of one address without a good token";
  const advice = kind === "user" ? "" : " Or use an access token.";
  return `Only ${requests} requests ${whose} are taken in ${periodSeconds} seconds. Try again in ${seconds} seconds.${advice}`;
}
