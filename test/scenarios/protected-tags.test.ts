import assert from "node:assert/strict";
import test, { after } from "node:test";
import { createApi } from "../support/api.ts";
import { startGitHttpPeer } from "../support/git-http-peer.ts";
import { git, makeCommit, makeRepository, makeTempDir, refsOf, setRef } from "../support/repositories.ts";
import { startServer } from "../support/server.ts";
import { withCredentials } from "../support/working-copy.ts";

test("a rule holds a pull mirror's tags back and fails the update, and lets them in when it goes", async () => {
  const directory = await makeTempDir({ after });
  const upstream = await makeRepository(`${directory}/up.git`);
  const peer = await startGitHttpPeer({ root: directory });
  after(() => peer.close());
  const server = await startServer();
  after(() => server.stop());
  const api = createApi(server);

  const tip = await makeCommit(upstream);
  for (const name of ["v1", "v2", "w1"]) await setRef(upstream, `refs/tags/${name}`, tip);
  await api.createProject("held");
  const rules = "/projects/root%2Fheld/protected_tags";
  const rule = await api.post(rules, { name: "v*", create_access_level: 0 });
  await api.post(rules, { name: "w*" });
  await api.createPullMirror("root/held", peer.urlOf("up.git"));
  await api.waitForMirror("root/held", "pull", "failed");
  const here = withCredentials(`${server.url}/root/held.git`, "root", server.token);
  const clone = async (name: string) => {
    await git(directory, ["clone", "-q", "--mirror", here, name]);
    return await refsOf(`${directory}/${name}`);
  };
  assert.deepEqual(await clone("held.git"), { "refs/heads/main": tip, "refs/tags/w1": tip });
  const { last_error: error } = await api.readPullMirror("root/held");
  assert.equal(error, "You are not allowed to create tags: 'v1', 'v2' as they are protected.");

  assert.deepEqual(await api.get(`${rules}/v%2A`), rule);
  await api.delete(`${rules}/v%2A`);
  assert.equal((await api.call("GET", `${rules}/v%2A`)).status, 404);
  await api.waitForMirror("root/held", "pull", "finished");
  assert.deepEqual(await clone("all.git"), await refsOf(upstream));

  const stranger = api.as(await api.createToken(await api.createUser("eve", "secret-of-eve"), ["api"]));
  assert.equal((await stranger.call("POST", rules, { name: "x" })).status, 404);
});
