import type * as OpenIdClient from "openid-client";
import type { IdentityProvider, Log } from "../app/ports.ts";
import { readClaims } from "./read-claims.ts";
import { createClassifier } from "./refusals.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

export interface ProviderOptions extends TransportOptions {
  /** As the provider spells it: what stands in its tokens as `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, which has none. */
  readonly clientSecret: string | null;
  readonly name: string;
  /** Blanks between; `openid` is among them. */
  readonly scopes: string;
  readonly createsUsers: boolean;
  readonly log: Log;
}

/** For each request to the provider: a person waits for it. */
const TIMEOUT_SECONDS = 10;

/** Clocks of machines differ by less, or somebody must be told. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** What the provider says of itself is asked again after this. */
const METADATA_GOOD_MS = 3600_000;

/**
 * An OpenID Connect provider, by the authorization code flow with PKCE. The library and what the provider says of itself
 * are loaded when the first person signs in, the latter again after a failure: a provider that is down stops nothing.
 */
export function createIdentityProvider(options: ProviderOptions): IdentityProvider {
  const { issuer, name } = options;
  const classify = createClassifier({ name, issuer, log: options.log });
  const transport = createTransport(options);
  let known: { readonly config: Promise<OpenIdClient.Configuration>; readonly since: number } | null = null;

  async function discover(library: typeof OpenIdClient): Promise<OpenIdClient.Configuration> {
    return await library.discovery(
      new URL(issuer),
      options.clientId,
      { [library.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
      authenticationOf(library, options.clientSecret),
      {
        timeout: TIMEOUT_SECONDS,
        [library.customFetch]: transport.fetch,
        // The settings have refused http:// where it is not to be.
        ...(issuer.startsWith("http://") ? { execute: [library.allowInsecureRequests] } : {}),
      },
    );
  }

  async function open(): Promise<{
    readonly library: typeof OpenIdClient;
    readonly config: OpenIdClient.Configuration;
  }> {
    // Some megabytes that a server need not hold before somebody signs in this way.
    const library = await import("openid-client");
    const now = performance.now();
    if (known === null || now - known.since > METADATA_GOOD_MS)
      known = { config: discover(library), since: now };
    const asked = known;
    try {
      return { library, config: await asked.config };
    } catch (error) {
      if (known === asked) known = null;
      throw error;
    }
  }

  return {
    name,
    createsUsers: options.createsUsers,
    async begin(callbackUrl) {
      try {
        const { library, config } = await open();
        const checks = {
          state: library.randomState(),
          nonce: library.randomNonce(),
          codeVerifier: library.randomPKCECodeVerifier(),
        };
        const url = library.buildAuthorizationUrl(config, {
          redirect_uri: callbackUrl,
          scope: options.scopes,
          state: checks.state,
          nonce: checks.nonce,
          code_challenge: await library.calculatePKCECodeChallenge(checks.codeVerifier),
          code_challenge_method: "S256",
        });
        return { url: url.href, checks };
      } catch (error) {
        throw classify(error);
      }
    },
    async finish(callbackUrl, search, checks) {
      try {
        const { library, config } = await open();
        const tokens = await library.authorizationCodeGrant(config, new URL(callbackUrl + search), {
          expectedState: checks.state,
          expectedNonce: checks.nonce,
          pkceCodeVerifier: checks.codeVerifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) throw new TypeError("no ID token");
        const ofToken = readClaims(claims);
        const isWhole = ofToken.email !== null && ofToken.username !== null && ofToken.name !== null;
        // Many providers keep everything but the subject for this endpoint.
        if (isWhole || config.serverMetadata().userinfo_endpoint === undefined) {
          return { issuer: claims.iss, subject: claims.sub, ...ofToken };
        }
        const more = readClaims(await library.fetchUserInfo(config, tokens.access_token, claims.sub));
        return {
          ...{ issuer: claims.iss, subject: claims.sub },
          ...(ofToken.email === null
            ? { email: more.email, isEmailVerified: more.isEmailVerified }
            : { email: ofToken.email, isEmailVerified: ofToken.isEmailVerified ?? more.isEmailVerified }),
          username: ofToken.username ?? more.username,
          name: ofToken.name ?? more.name,
        };
      } catch (error) {
        throw classify(error);
      }
    },
    close: () => transport.close(),
  };
}

/** How we show the provider's token endpoint who we are. Basic is what every provider must take unless it says otherwise. */
function authenticationOf(
  library: typeof OpenIdClient,
  clientSecret: string | null,
): OpenIdClient.ClientAuth {
  if (clientSecret === null) return library.None();
  const [basic, post] = [library.ClientSecretBasic(clientSecret), library.ClientSecretPost(clientSecret)];
  return (server, ...request) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return (methods.includes("client_secret_basic") ? basic : post)(server, ...request);
  };
}
