import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import type { ApiDocument } from "../../packages/server/src/http/openapi/api-document.ts";
import { createApi, idOf } from "../support/api.ts";
import { checkAnswer } from "../support/check-answer.ts";
import { git, makeCommit, makeRepository, makeTempDir } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { withCredentials } from "../support/working-copy.ts";
import { type Existing, type FuzzedRequest, fuzzedRequests } from "./api-requests.ts";
import type { FuzzOptions } from "./fuzz.ts";

/** Answers after which a request goes on: of those that the server's end would cut, only the head is read. */
const STREAM = "text/event-stream";

/**
 * Asks every endpoint that a real server describes, again and again with other parameters, for so many seconds and at
 * least once. Throws at the first answer that is a fault of the server's, or not what its route declares, with the request
 * and the seed. Answers how many requests there were.
 */
export async function fuzzApi({ seconds, seed }: FuzzOptions): Promise<number> {
  const cleanups: (() => unknown)[] = [];
  const server = await startServer();
  cleanups.push(() => server.stop());
  try {
    const directory = await makeTempDir({ after: (cleanup) => void cleanups.push(cleanup) });
    const response = await fetch(`${server.url}/api/v4/openapi.json`);
    // It is made from this very type.
    const document = (await response.json()) as ApiDocument;
    const end = Date.now() + seconds * 1000;
    let existing: Existing = {};
    let count = 0;
    for (let round = 0; round === 0 || Date.now() < end; round += 1) {
      if (round % ROUNDS === 0) existing = await makeWorld(server, directory, round / ROUNDS);
      const [requests = []] = fc.sample(fuzzedRequests(document, existing), {
        seed: seed + round,
        numRuns: 1,
      });
      for (const request of requests.filter((each) => isAskedIn(round, each))) {
        if (round > 0 && Date.now() >= end) break;
        await ask(server, request, seed + round);
        count += 1;
      }
    }
    return count;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** How often all is asked for before what there is goes, and is made anew. */
const ROUNDS = 5;

function isAskedIn(round: number, { method, target }: FuzzedRequest): boolean {
  // It takes the token away that all the others are asked with.
  if (target.includes("personal_access_tokens/self")) return false;
  return method !== "DELETE" || round % ROUNDS === ROUNDS - 1;
}

async function ask(
  server: { readonly url: string; readonly token: string; readonly output: () => string },
  { method, target, body, contentType }: FuzzedRequest,
  seed: number,
): Promise<void> {
  const response = await fetch(server.url + target, {
    method,
    redirect: "manual",
    headers: {
      "private-token": server.token,
      ...(contentType === "" ? {} : { "content-type": contentType }),
    },
    ...(body === null ? {} : { body }),
  });
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith(STREAM)) {
    await response.body?.cancel();
    return;
  }
  const text = await response.text();
  const again = `again: FUZZ_SEED=${seed} npm run fuzz api\n${method} ${target}\n${contentType}\n${body}`;
  const log = () =>
    server
      .output()
      .split("\n")
      .filter((line) => /"level":50|stack/.test(line))
      .slice(-3)
      .join("\n");
  assert(response.status < 500, `${response.status} ${text}\n${again}\n${log()}`);
  const isJson = type === "application/json" && text !== "";
  try {
    await checkAnswer(method, target.replace("/api/v4", ""), {
      ...{ status: response.status, headers: response.headers },
      body: isJson ? JSON.parse(text) : text === "" ? null : text,
    });
  } catch (error) {
    throw new Error(`${String(error)}\n${again}`, { cause: error });
  }
}

/** A project with something of everything, so that requests get further than "not found". */
async function makeWorld(
  server: { readonly url: string; readonly token: string },
  directory: string,
  number: number,
): Promise<Existing> {
  const root = createApi(server);
  const user = await root.createUser(`somebody-${number}`, "correct horse battery staple");
  await root.createUser(`another-${number}`, "correct horse battery staple");
  const { id } = await root.createProject(`fuzzed-${number}`);
  const local = await makeRepository(join(directory, `local-${number}.git`));
  const tip = await makeCommit(local, { files: { "README.md": "# hi\n" } });
  const url = withCredentials(`${server.url}/root/fuzzed-${number}.git`, "root", server.token);
  await git(local, ["push", "-q", url, `${tip}:refs/heads/main`, `${tip}:refs/tags/v1`]);
  const blob = await git(local, ["rev-parse", `${tip}:README.md`]);
  const at = `/projects/${id}`;
  const remote = "http://user:secret@127.0.0.1:1025/x.git";
  const push = idOf(await root.post(`${at}/mirrors`, { direction: "push", url: remote, enabled: true }));
  const update = await root.update(id, push);
  const pull = idOf(await root.put(`${at}/mirror/pull`, { url: remote, enabled: true }));
  const group = idOf(await root.post("/groups", { name: `g-${number}`, path: `g-${number}` }));
  await root.post(`${at}/members`, { user_id: user, access_level: 30 });
  await root.post(`/groups/${group}/members`, { user_id: user, access_level: 30 });
  await root.post(`${at}/protected_branches`, { name: "main*" });
  await root.post(`${at}/protected_tags`, { name: "v*" });
  const tokenOf = async (place: string) =>
    idOf(await root.post(`${place}/access_tokens`, { name: "t", scopes: ["api"], access_level: 30 }));
  const credential = idOf(
    await root.post("/credentials", { name: `c-${number}`, username: "u", password: "p" }),
  );
  const trigger = idOf(await root.post(`${at}/mirrors/${pull}/trigger_tokens`, { name: "t" }));
  return {
    "projects id": [id, `root/fuzzed-${number}`],
    "groups id": [group, `g-${number}`],
    // Not the first one: it is asked with.
    "users id": [user, user + 1],
    "personal_access_tokens id": [2, 3],
    "credentials id": [credential],
    id: [1, 2, 3],
    user_id: [user],
    mirror_id: [push, pull],
    update_id: [update.id],
    "projects token_id": [await tokenOf(at), trigger],
    "groups token_id": [await tokenOf(`/groups/${group}`)],
    key_id: [1, 2],
    name: ["main*", "v*"],
    branch: ["main"],
    tag_name: ["v1"],
    sha: [tip, "main", blob],
    file_path: ["README.md"],
    project_id: [id],
    audit_event_id: [1, 2],
  };
}
