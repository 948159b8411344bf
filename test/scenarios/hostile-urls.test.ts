import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HeliostatError } from "../../packages/server/src/domain/errors.ts";
import { portRulesOf } from "../../packages/server/src/domain/port-rules.ts";
import { parseRemoteUrl, type RemoteUrl } from "../../packages/server/src/domain/remote-url.ts";
import { createGuard } from "../../packages/server/src/remotes/guard.ts";
import { DEFAULT_LIMITS } from "../../packages/server/src/remotes/limits.ts";
import { type Answer, type Api, createApi } from "../support/api.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { inOwnNetwork, NAME_SERVER, SEARCH_DOMAIN } from "../support/own-network.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { HOSTILE_URLS } from "./outbound-guard/hostile-urls.ts";
import { LEGITIMATE_URLS } from "./outbound-guard/legitimate-urls.ts";

const PROJECT = "/projects/root%2Fguarded";

inOwnNetwork(import.meta.filename, () =>
  describe("URLs of remotes, their names looked up by a real resolver", () => {
    let dns: DnsServer;
    let server: TestServer;
    let api: Api;

    before(async () => {
      dns = await startDnsServer(NAME_SERVER);
      dns.answer("*", { addresses: ["203.0.113.7", "2001:db8::7"] });
      for (const { url, addresses } of HOSTILE_URLS) {
        if (addresses === undefined) continue;
        dns.answer(nameIn(url), { addresses });
        // All names but these have an address, and so would this one in the search domain.
        dns.answer(`${nameIn(url)}.${SEARCH_DOMAIN}`, { status: "NXDOMAIN" });
      }
      server = await startServer({ env: { HELIOSTAT_ALLOW_LOCAL_REMOTES: "false" } });
      api = createApi(server);
      await api.createProject("guarded");
    });
    after(async () => {
      await server?.stop();
      await dns?.close();
    });

    const save = (url: string, direction: "pull" | "push"): Promise<Answer> =>
      api.call("POST", `${PROJECT}/mirrors`, { direction, url, enabled: false });

    test("there are at least 150 hostile ones and 50 legitimate ones, none of them twice", () => {
      assert.ok(HOSTILE_URLS.length >= 150, `${HOSTILE_URLS.length} hostile`);
      assert.ok(LEGITIMATE_URLS.length >= 50, `${LEGITIMATE_URLS.length} legitimate`);
      const all = [...HOSTILE_URLS.map(({ url }) => url), ...LEGITIMATE_URLS];
      assert.equal(new Set(all).size, all.length);
    });

    test("no mirror gets a hostile one, and each is told why", async () => {
      for (const { url, reason, attack, direction } of HOSTILE_URLS) {
        for (const each of ["pull", "push"] as const) {
          if (direction !== undefined && direction !== each) continue;
          const { status, body } = await save(url, each);
          assert.deepEqual(
            { status, body },
            { status: 400, body: { message: { url: [`is blocked: ${reason}`] } } },
            `${attack}: ${JSON.stringify(url)} as ${each} mirror`,
          );
        }
      }
      assert.deepEqual(await api.get(`${PROJECT}/mirrors`), []);
    });

    test("no connection goes to a hostile one that was saved all the same", async () => {
      const guard = createGuard({ limits: DEFAULT_LIMITS });
      for (const { url, reason, attack, direction = "pull" } of HOSTILE_URLS) {
        const rules = { allowLocalRequests: false, ...portRulesOf(direction) };
        await assert.rejects(
          guard.open(asStored(url), null, rules),
          (error) => error instanceof HeliostatError && error.kind !== "bug" && error.message === reason,
          `${attack}: ${JSON.stringify(url)}`,
        );
      }
    });

    test("mirrors get legitimate ones, and connections go there", async () => {
      const guard = createGuard({ limits: DEFAULT_LIMITS });
      for (const url of LEGITIMATE_URLS) {
        for (const direction of ["pull", "push"] as const) {
          const { status, body } = await save(url, direction);
          assert.equal(status, 201, `${url} as ${direction} mirror: ${JSON.stringify(body)}`);
          assert.ok(typeof body === "object" && body !== null && "id" in body);
          await api.delete(`${PROJECT}/mirrors/${body.id}`);
        }
        const stored = parseRemoteUrl(url).url;
        const { address } = await guard.open(stored, null, {
          allowLocalRequests: false,
          ...portRulesOf("pull"),
        });
        assert.ok(address !== null, url);
      }
    });

    test("push mirrors have no list of ports, as in GitLab", async () => {
      for (const { url } of HOSTILE_URLS.filter(({ direction }) => direction === "pull")) {
        assert.equal((await save(url, "push")).status, 201, url);
      }
    });
  }),
);

/** As a row would have it that was written past the check of addresses, or of the URL's form as well. */
function asStored(url: string): RemoteUrl {
  try {
    return parseRemoteUrl(url).url;
  } catch {
    return url as RemoteUrl;
  }
}

/** The host as DNS is asked for it. */
function nameIn(url: string): string {
  return new URL(url).hostname.replace(/\.$/, "");
}
