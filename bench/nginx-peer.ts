import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { git } from "../test/support/repositories.ts";
import { waitFor } from "../test/support/wait-for.ts";

/** `git http-backend` behind nginx and fcgiwrap, as many a server without a product of its own has it. */
export interface NginxPeer {
  /** `http://127.0.0.1:<port>`; repositories are named by their paths below the root. */
  readonly url: string;
  close(): Promise<void>;
}

/** As many requests at once as fcgiwrap answers; git's own work is on top of it. */
const CHILDREN = 16;

/** Starts one for the repositories below `root`; its own files are in `dir`, which need not exist. Needs root. */
export async function startNginxPeer(options: {
  readonly root: string;
  readonly dir: string;
}): Promise<NginxPeer> {
  const { root, dir } = options;
  await mkdir(dir, { recursive: true });
  const port = await findFreePort();
  const socket = join(dir, "fcgi.sock");
  const backend = join(await git("/", ["--exec-path"]), "git-http-backend");
  await writeFile(join(dir, "nginx.conf"), configOf({ root, dir, port, socket, backend }));
  const children = [
    spawn("fcgiwrap", ["-f", "-c", String(CHILDREN), "-s", `unix:${socket}`], { stdio: "ignore" }),
    spawn("nginx", ["-p", dir, "-c", join(dir, "nginx.conf"), "-e", join(dir, "error.log")], {
      stdio: ["ignore", "ignore", "inherit"],
    }),
  ];
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitFor(
      async () => {
        for (const { spawnfile, exitCode } of children)
          if (exitCode !== null) throw new Error(`${spawnfile} ended with ${exitCode}`);
        return await fetch(url).then(
          () => true,
          () => false,
        );
      },
      { message: "nginx answers" },
    );
  } catch (error) {
    await Promise.all(children.map(end));
    throw error;
  }
  return {
    url,
    async close() {
      await Promise.all(children.map(end));
    },
  };
}

function configOf(place: {
  readonly root: string;
  readonly dir: string;
  readonly port: number;
  readonly socket: string;
  readonly backend: string;
}): string {
  const { root, dir, port, socket, backend } = place;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
daemon off;
user root;
worker_processes 2;
pid ${dir}/nginx.pid;
events { worker_connections 512; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      fastcgi_pass unix:${socket};
      fastcgi_param SCRIPT_FILENAME ${backend};
      fastcgi_param GIT_PROJECT_ROOT ${root};
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param GIT_CONFIG_COUNT 1;
      fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
      fastcgi_param GIT_CONFIG_VALUE_0 *;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_read_timeout 600s;
      # The answer goes on as it comes, as git's own documentation advises for large ones.
      fastcgi_buffering off;
    }
  }
}
`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, "close");
  child.kill("SIGTERM");
  await ended;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return address.port;
}
