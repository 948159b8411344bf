import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { after, before, describe, test } from "node:test";
import { auditEventSchema } from "@heliostat/contract/api/audit-events.ts";
import { createApi } from "../support/api.ts";
import { startServer, type TestServer } from "../support/server.ts";

/* Behind a reverse proxy the server sees the client, and takes nobody else's word for who they are. */

/** Addresses of this machine that stand for machines of their own. */
const PROXY = "127.0.0.3";
const CLIENT = "127.0.0.9";
const STRANGER = "127.0.0.2";
/** For documentation: nobody has it. */
const MADE_UP = "203.0.113.5";

interface Ask {
  readonly from: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

describe("behind a reverse proxy", () => {
  let server: TestServer;
  let proxyUrl: string;
  let closeProxy: () => Promise<void>;

  before(async () => {
    server = await startServer({ env: { HELIOSTAT_TRUSTED_PROXIES: `10.0.0.0/8, ${PROXY}` } });
    ({ url: proxyUrl, close: closeProxy } = await startReverseProxy(server.url));
  });
  after(async () => {
    await closeProxy?.();
    await server?.stop();
  });

  const api = (path: string) => `/api/v4${path}`;
  const asRoot = () => ({ "private-token": server.token });
  let names = 0;

  /** What the audit log says of where a change came from that was asked for in this way. */
  async function addressOf(base: string, ask: Omit<Ask, "path" | "method">): Promise<unknown> {
    const path = `group-${++names}`;
    const headers = { ...asRoot(), ...ask.headers };
    const answer = await send(base, {
      ...ask,
      headers,
      method: "POST",
      path: api(`/groups?name=${path}&path=${path}`),
    });
    assert.equal(answer.status, 201, answer.text);
    const events = auditEventSchema.array().parse(await createApi(server).get("/audit_events"));
    const event = events.find(({ details }) => JSON.stringify(details).includes(path));
    assert.ok(event);
    return event.details["ip_address"];
  }

  test("the audit log has the client's address, whatever the client says of it", async () => {
    assert.equal(await addressOf(proxyUrl, { from: CLIENT }), CLIENT);
    const spoofed = { "x-forwarded-for": MADE_UP };
    assert.equal(await addressOf(proxyUrl, { from: CLIENT, headers: spoofed }), CLIENT);
    assert.equal(await addressOf(server.url, { from: STRANGER, headers: spoofed }), STRANGER);
    const trusted = { "x-forwarded-for": `${MADE_UP}, 10.1.2.3` };
    assert.equal(await addressOf(server.url, { from: STRANGER, headers: trusted }), STRANGER);
    assert.equal(await addressOf(server.url, { from: PROXY, headers: trusted }), MADE_UP);
    assert.equal(
      await addressOf(server.url, { from: PROXY, headers: { "x-forwarded-for": "unknown" } }),
      PROXY,
    );
  });

  test("links have the scheme and the host that the client used, by the proxy's word only", async () => {
    await createApi(server).createProject("one");
    await createApi(server).createProject("two");
    const linkOf = async (from: string, scheme: string) => {
      const headers = {
        ...asRoot(),
        ...{ "x-forwarded-proto": scheme, "x-forwarded-host": "git.example.com" },
      };
      return (await send(server.url, { from, path: api("/projects?per_page=1"), headers })).link;
    };
    assert.match(await linkOf(PROXY, "https"), /^<https:\/\/git\.example\.com\/api/);
    assert.match(await linkOf(PROXY, "javascript"), /^<http:\/\/git\.example\.com\/api/);
    assert.doesNotMatch(await linkOf(STRANGER, "https"), /https|example/);
  });

  test("who guesses passwords is made to wait, and not whoever else comes through the proxy", async () => {
    const guess = async (from: string, headers: Readonly<Record<string, string>> = {}) => {
      const credentials = Buffer.from("root:guess").toString("base64");
      const path = "/root/one.git/info/refs?service=git-upload-pack";
      const all = { authorization: `Basic ${credentials}`, ...headers };
      return (await send(proxyUrl, { from, path, headers: all })).status;
    };
    const statuses: number[] = [];
    for (let i = 0; i < 30 && statuses.at(-1) !== 429; i += 1) {
      statuses.push(await guess(CLIENT, { "x-forwarded-for": `198.51.100.${i}` }));
    }
    assert.equal(statuses.at(-1), 429);
    assert.equal(await guess("127.0.0.10"), 401);
  });
});

function send(
  base: string,
  { from, method = "GET", path, headers = {} }: Ask,
): Promise<{ status: number; link: string; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, base), { method, headers, localAddress: from, agent: false });
    asked.once("error", reject);
    asked.once("response", (answer: IncomingMessage) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.once("end", () =>
        resolve({ status: answer.statusCode ?? 0, link: String(answer.headers["link"] ?? ""), text }),
      );
    });
    asked.end();
  });
}

/** As nginx does with `$proxy_add_x_forwarded_for`: it adds whom it sees to what it was told. */
async function startReverseProxy(target: string): Promise<{ url: string; close: () => Promise<void> }> {
  const proxy = createServer((asked, answer) => {
    const known = asked.headers["x-forwarded-for"];
    const seen = asked.socket.remoteAddress ?? "";
    const headers = { ...asked.headers, "x-forwarded-for": known === undefined ? seen : `${known}, ${seen}` };
    const options = { method: asked.method, headers, localAddress: PROXY, agent: false } as const;
    const onward = request(new URL(asked.url ?? "/", target), options, (said) => {
      answer.writeHead(said.statusCode ?? 502, said.headers);
      said.pipe(answer);
    });
    onward.once("error", () => answer.destroy());
    asked.pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => new Promise((resolve) => proxy.close(() => resolve())),
  };
}
