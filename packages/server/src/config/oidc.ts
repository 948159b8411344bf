/** The OpenID Connect provider by which people may sign in, as the environment names it. */
export interface OidcSettings {
  /** As it stands in the provider's tokens: `https://…`, without a slash at the end unless the provider writes one. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: in the file, or a public client, which has none. */
  readonly clientSecret: string | null;
  /** Absolute. */
  readonly clientSecretFile: string | null;
  /** What people call it. */
  readonly name: string;
  readonly scopes: string;
  /** Whether somebody who has no account here gets one. */
  readonly createsUsers: boolean;
}

/** What is read of the environment, each null where it is unset. */
export type GivenOidc = {
  readonly [K in keyof OidcSettings]: OidcSettings[K] | null;
};

/** What holds of a provider where the configuration does not say it. */
export const DEFAULT_OIDC = { name: "OpenID Connect", scopes: "openid profile email", createsUsers: true };

/**
 * The whole of it; null when there is no issuer. What does not go together is told to `complain`, with the name of the
 * variable at its start.
 */
export function joinOidc(
  given: GivenOidc,
  { allowsHttp, complain }: { readonly allowsHttp: boolean; readonly complain: (problem: string) => void },
): OidcSettings | null {
  const { issuer, clientId } = given;
  if (issuer === null) {
    const isAnyGiven = Object.values(given).some((value) => value !== null);
    if (isAnyGiven)
      complain("HELIOSTAT_OIDC_ISSUER is missing, and other HELIOSTAT_OIDC_… variables are set");
    return null;
  }
  if (clientId === null) {
    complain(
      "HELIOSTAT_OIDC_CLIENT_ID is missing: the provider gives one for each server that is registered there",
    );
    return null;
  }
  if (given.clientSecret !== null && given.clientSecretFile !== null) {
    complain(
      "HELIOSTAT_OIDC_CLIENT_SECRET_FILE and HELIOSTAT_OIDC_CLIENT_SECRET are both set: take one away",
    );
  }
  if (issuer.startsWith("http://") && !allowsHttp && !isLoopback(new URL(issuer).hostname)) {
    complain(
      "HELIOSTAT_OIDC_ISSUER must begin with https://: over http:// anybody on the way could sign in as anybody",
    );
  }
  return {
    ...{ issuer, clientId, clientSecret: given.clientSecret, clientSecretFile: given.clientSecretFile },
    name: given.name ?? DEFAULT_OIDC.name,
    scopes: given.scopes ?? DEFAULT_OIDC.scopes,
    createsUsers: given.createsUsers ?? DEFAULT_OIDC.createsUsers,
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
