import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { waitFor } from "./wait-for.ts";

const CHROMIUM = "/usr/bin/chromium";
const START_MS = 30_000;
const WAIT_MS = 20_000;

export interface ViewOptions {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

/** One page of a real browser. Scripts are expressions, run in the page as a person's doing; they may be promises. */
export interface BrowserPage {
  goTo(url: string): Promise<void>;
  /** The same to an address that leads elsewhere; does not wait for where it ends. */
  leaveFor(url: string): Promise<void>;
  clearCookies(): Promise<void>;
  run(expression: string): Promise<unknown>;
  /** Runs it again and again until it is truthy, and answers that. */
  until(expression: string): Promise<unknown>;
  /** Presses a key as on a keyboard, by its DOM name: `Enter`, `Escape`, `Tab`. */
  press(key: string): Promise<void>;
  /** What the page complained of so far: exceptions, and errors of the console, such as those of the CSP. */
  complaints(): readonly string[];
  setView(view: ViewOptions): Promise<void>;
  close(): Promise<void>;
}

/** Debian's Chromium with a profile of its own and one page, driven through its DevTools protocol. */
export async function startBrowser(): Promise<BrowserPage> {
  if (!existsSync(CHROMIUM)) throw new Error(`The browser cannot be started here: there is no ${CHROMIUM}.`);
  const profile = await mkdtemp(join(tmpdir(), "heliostat-browser-"));
  const child = spawn(
    CHROMIUM,
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ...[
        "--disable-dev-shm-usage",
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`,
        "about:blank",
      ],
    ],
    { stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  const ended = once(child, "close");
  const end = async () => {
    try {
      // The group: its processes outlive it otherwise.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await ended;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const socket = new WebSocket(await readAddress(child.stderr));
    await once(socket, "open");
    return await openPage(socket, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function readAddress(stderr: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stderr });
  const address = new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    lines.once("close", () => reject(new Error("the browser ended before it listened")));
  });
  const late = AbortSignal.timeout(START_MS);
  return await Promise.race([
    address,
    once(late, "abort").then(() => {
      throw new Error("the browser does not start");
    }),
  ]);
}

type Fields = Readonly<Record<string, unknown>>;

async function openPage(socket: WebSocket, end: () => Promise<void>): Promise<BrowserPage> {
  const open = new Map<number, PromiseWithResolvers<Fields>>();
  const complaints: string[] = [];
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(String(data));
    if (id !== undefined) {
      if (error) open.get(id)?.reject(new Error(JSON.stringify(error)));
      else open.get(id)?.resolve(result);
      open.delete(id);
    } else if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params.exceptionDetails));
    else if (method === "Log.entryAdded" && params.entry.level === "error")
      complaints.push(params.entry.text);
  });
  socket.addEventListener("close", () => {
    for (const { reject } of open.values()) reject(new Error("the browser has ended"));
  });
  async function send(method: string, params: Fields = {}, sessionId?: unknown): Promise<Fields> {
    last += 1;
    const answer = Promise.withResolvers<Fields>();
    open.set(last, answer);
    socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    return await answer.promise;
  }

  const { targetInfos } = await send("Target.getTargets");
  const target = Array.isArray(targetInfos) ? targetInfos.find(({ type }) => type === "page") : undefined;
  const { sessionId } = await send("Target.attachToTarget", { targetId: target?.targetId, flatten: true });
  const tell = (method: string, params?: Fields) => send(method, params, sessionId);
  for (const domain of ["Page", "Runtime", "Log"]) await tell(`${domain}.enable`);
  // The clipboard is for the page that a person looks at.
  await tell("Emulation.setFocusEmulationEnabled", { enabled: true });
  const permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
  await send("Browser.grantPermissions", { permissions });

  async function run(expression: string): Promise<unknown> {
    const options = { awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await tell("Runtime.evaluate", { expression, ...options });
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return Object(result).value;
  }
  async function until(expression: string): Promise<unknown> {
    return await waitFor(async () => await run(expression), {
      timeoutMs: WAIT_MS,
      message: async () =>
        `the page says yes to ${expression}; it shows:\n${String(await run("document.body.innerText"))}`,
    });
  }

  return {
    run,
    until,
    async goTo(url) {
      await tell("Page.navigate", { url });
      await until(`location.href === ${JSON.stringify(url)} && document.readyState === "complete"`);
    },
    async leaveFor(url) {
      await tell("Page.navigate", { url });
    },
    async clearCookies() {
      await tell("Network.clearBrowserCookies");
    },
    async press(key) {
      const text = key === "Enter" ? { text: "\r" } : {};
      const code = { Enter: 13, Escape: 27, Tab: 9 }[key] ?? 0;
      const event = { key, code: key, windowsVirtualKeyCode: code };
      await tell("Input.dispatchKeyEvent", { type: "keyDown", ...event, ...text });
      await tell("Input.dispatchKeyEvent", { type: "keyUp", ...event });
    },
    complaints: () => complaints,
    async setView({ width, height, scheme }) {
      const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
      await tell("Emulation.setDeviceMetricsOverride", metrics);
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await tell("Emulation.setEmulatedMedia", { features });
    },
    async close() {
      socket.close();
      await end();
    },
  };
}
