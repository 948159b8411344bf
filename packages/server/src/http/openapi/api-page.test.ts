import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { z } from "zod";
import { declaredRoutes } from "../../../../../test/support/declared-routes.ts";
import { apiRoute, created } from "../api-route.ts";
import { describeApi } from "./api-document.ts";
import { API_PAGE_HEADERS, renderApiPage } from "./api-page.ts";

const AT = { version: "1.2.3", url: "https://heliostat.example.com/api/v4" };
const document = describeApi(await declaredRoutes(), AT);
const page = renderApiPage(document);

test("every endpoint is on the page once, with its parameters, a request and its answer", () => {
  for (const operation of Object.values(document.paths).flatMap((each) => Object.values(each))) {
    assert.equal(page.split(`<details id="${operation.operationId}"`).length, 2, operation.operationId);
  }
  const [, entry = ""] = page.split('<details id="postProjectsIdRemoteMirrors"');
  const [own = ""] = entry.split("</details>");
  assert.match(own, /Create a push mirror/);
  assert.match(own, /<code>url<\/code><span class="must">required/);
  assert.match(
    own,
    /curl --request POST 'https:\/\/heliostat\.example\.com\/api\/v4\/projects\/7\/remote_mirrors'/,
  );
  assert.match(own, /--data '\{&quot;url&quot;:/);
  assert.match(own, /Answer <span class="status">201<\/span>/);
  assert.match(own, /&quot;keep_divergent_refs&quot;: false/);
});

test("the page runs its own script and style, and nothing else", () => {
  const policy = API_PAGE_HEADERS["content-security-policy"] ?? "";
  assert.match(policy, /^default-src 'none'; /);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  for (const tag of ["style", "script"]) {
    const inside = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page)?.[1] ?? "";
    const hash = createHash("sha256").update(inside).digest("base64");
    assert(policy.includes(`${tag}-src 'sha256-${hash}'`), tag);
  }
  assert.doesNotMatch(page, / (on\w+|style|src)=/);
  assert.doesNotMatch(page, /<(link|img|iframe|script )/);
});

test("what a route says is text, not markup", () => {
  const route = apiRoute({
    method: "POST",
    path: "/things",
    access: "api",
    summary: 'Make <b>"things"</b> & more',
    params: z.object({ name: z.literal("<i>'it'</i>") }),
    answer: z.object({ name: z.literal("</pre><script>") }),
    handle: async () => created({ name: "</pre><script>" } as const),
  });
  const text = renderApiPage(describeApi([route], AT));
  assert.match(text, /Make &lt;b&gt;&quot;things&quot;&lt;\/b&gt; &amp; more/);
  assert.match(text, /&lt;\/pre&gt;&lt;script&gt;/);
  assert.doesNotMatch(text, /<b>|<i>|<\/pre><script>/);
  // A quote inside the quotes of a shell.
  assert.match(text, /&lt;i&gt;'\\''it'\\''/);
});
