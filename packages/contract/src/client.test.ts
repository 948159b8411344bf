import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiRequest, createApiCalls, requestOf } from "./client.ts";

test("parameters stand in the path, then in the query or in a body", () => {
  assert.deepEqual(requestOf("GET /projects/:id", { id: "tools/compiler" }), {
    method: "GET",
    path: "/projects/tools%2Fcompiler",
    body: undefined,
  });
  const since = new Date("2026-01-02T03:04:05Z");
  const { path } = requestOf("GET /projects/:id/repository/commits", {
    id: 7,
    since,
    all: true,
    path: undefined,
  });
  assert.equal(path, "/projects/7/repository/commits?since=2026-01-02T03%3A04%3A05.000Z&all=true");
  const refs = requestOf("GET /projects/:id/repository/merge_base", { id: 7, refs: ["a&b", "c"] });
  assert.equal(refs.path, "/projects/7/repository/merge_base?refs%5B%5D=a%26b&refs%5B%5D=c");
  assert.deepEqual(requestOf("PUT /projects/:id", { id: 7, description: null }), {
    method: "PUT",
    path: "/projects/7",
    body: { description: null },
  });
  // What proves who somebody is stands in no address.
  assert.deepEqual(requestOf("DELETE /user/two_factor", { code: "123456" }), {
    method: "DELETE",
    path: "/user/two_factor",
    body: { code: "123456" },
  });
  assert.throws(() => requestOf("GET /projects/:id", {}), /GET \/projects\/:id needs id/);
});

test("a call answers the thing, nothing, or all pages of a list", async () => {
  const sent: ApiRequest[] = [];
  const answers = [
    Response.json({ id: 7 }),
    new Response(null, { status: 204 }),
    Response.json([{ id: 1 }], { headers: { "x-next-page": "2" } }),
    Response.json([{ id: 2 }], { headers: { "x-next-page": "" } }),
  ];
  const api = createApiCalls(async (request) => {
    sent.push(request);
    const answer = answers.shift();
    assert(answer);
    return answer;
  });
  const project = await api.call("GET /projects/:id", { id: 7 });
  assert.equal(project.id, 7);
  const nothing: null = await api.call("DELETE /users/:id", { id: 3 });
  assert.equal(nothing, null);
  const keys = await api.list("GET /user/keys");
  assert.deepEqual(
    keys.map(({ id }) => id),
    [1, 2],
  );
  assert.deepEqual(
    sent.map(({ path }) => path),
    ["/projects/7", "/users/3", "/user/keys?page=1&per_page=100", "/user/keys?page=2&per_page=100"],
  );
  // @ts-expect-error: the endpoint needs a project.
  await assert.rejects(api.call("GET /projects/:id"), /needs id/);
  // @ts-expect-error: there is no such endpoint.
  await assert.rejects(api.call("GET /nowhere"));
});
