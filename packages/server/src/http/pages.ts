import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { parseGitPath } from "./git/parse-git-path.ts";
import { serveGit } from "./git/serve-git.ts";
import type { HttpDoor } from "./http-door.ts";
import { isFault, textAnswerTo } from "./on-error.ts";
import { reportFault } from "./request-log.ts";
import { answerHostKeys, parseHostKeysPath } from "./routes/host-keys/web-routes.ts";

const PAGE_HEADERS: Readonly<Record<string, string>> = {
  // Styles are set on elements by the component library; scripts come from files only.
  "content-security-policy":
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; " +
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Registers what people and git see: git below every project's path, the built web interface at `/`, and its page at
 * every path that a browser may have as an address. `webRoot` null, or without an `index.html`: a sentence instead.
 */
export async function registerPages(
  server: FastifyInstance,
  door: HttpDoor,
  webRoot: string | null,
): Promise<void> {
  const hasPages = webRoot !== null && existsSync(join(webRoot, "index.html"));
  const plugin: FastifyPluginAsync = async (pages) => {
    // Bodies here are git's, of any size: they stay streams.
    pages.removeAllContentTypeParsers();
    pages.addContentTypeParser("*", async () => undefined);
    pages.setErrorHandler((error, request, reply) => answerTextError(door, error, request, reply));
    if (hasPages) {
      await pages.register(fastifyStatic, {
        root: webRoot,
        wildcard: false,
        cacheControl: false,
        setHeaders: (response, path) => {
          response.headers(PAGE_HEADERS);
          // Vite puts a hash of the content into the names below assets/.
          const isHashed = path.startsWith(join(webRoot, "assets/"));
          response.header("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
        },
      });
      // Below `-`, which no namespace can be called.
      pages.get("/-/mirrors", async (_request, reply) => await reply.sendFile("mirrors.html"));
      pages.get("/users/sign_in", async (_request, reply) => await reply.sendFile("sign-in.html"));
      pages.get("/-/account", async (_request, reply) => await reply.sendFile("account.html"));
    } else {
      pages.get("/", async (_request, reply) =>
        sendText(
          reply.headers(PAGE_HEADERS),
          200,
          "The web interface is not built. The API is at /api/v4, Git at /<namespace>/<project>.git.\n",
        ),
      );
    }
    pages.route({
      method: ["GET", "HEAD", "POST"],
      url: "/*",
      handler: async (request, reply) => {
        const path = request.originalUrl.split("?", 1)[0] ?? "";
        const mirrored = request.method === "POST" ? null : parseHostKeysPath(path);
        if (mirrored !== null) return await answerHostKeys(door, request, reply, mirrored);
        const target = parseGitPath(path);
        if (target !== null) return await serveGit(door, request, reply, target);
        const wantsPage = request.method !== "POST" && (request.headers.accept ?? "").includes("text/html");
        if (hasPages && wantsPage) return await reply.sendFile("index.html");
        return sendText(reply, 404, "Not found\n");
      },
    });
  };
  await server.register(plugin);
}

/** Answers in words, and tells the log where it is a fault of ours. */
export function answerTextError(
  door: HttpDoor,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const answer = textAnswerTo(error, request.id);
  if (isFault(error)) reportFault(door.log, request, error);
  return sendText(reply.headers(answer.headers), answer.status, answer.text);
}

function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).header("content-type", "text/plain; charset=utf-8").send(text);
}
