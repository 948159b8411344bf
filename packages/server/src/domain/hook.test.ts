import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HeliostatError } from "./errors.ts";
import {
  deliveryEventOf,
  eventHeaderOf,
  hideUserinfo,
  interpolateUrl,
  isPairKey,
  parseHookUrl,
  renderTemplate,
  takesBranch,
  variablesIn,
} from "./hook.ts";

describe("a hook's branch filter", () => {
  const takes = (branchFilter: string | null, branchFilterStrategy: "wildcard" | "regex" | "all_branches") =>
    ["main", "release/1", "pre-release/1"].filter((name) =>
      takesBranch({ branchFilter, branchFilterStrategy }, name),
    );

  it("takes all where nothing is said", () => {
    for (const strategy of ["wildcard", "regex", "all_branches"] as const) {
      assert.equal(takes(null, strategy).length, 3);
      assert.equal(takes("", strategy).length, 3);
    }
    assert.equal(takes("nothing", "all_branches").length, 3);
  });

  it("matches whole names with wildcards, and any part with a regex", () => {
    assert.deepEqual(takes("release/*", "wildcard"), ["release/1"]);
    assert.deepEqual(takes("main", "wildcard"), ["main"]);
    assert.deepEqual(takes("release/", "regex"), ["release/1", "pre-release/1"]);
    assert.deepEqual(takes("^release/", "regex"), ["release/1"]);
  });
});

describe("a hook's URL", () => {
  const values = new Map([
    ["a", "1"],
    ["b.c", "2/3"],
  ]);

  it("has variables put in, and keeps what has no value", () => {
    assert.equal(interpolateUrl("https://{a}.x/{b.c}?{d}={a}", values), "https://1.x/2/3?{d}=1");
    assert.deepEqual(variablesIn("https://{a}.x/{b.c}?{d}={a}{1}{}"), ["a", "b.c", "d"]);
  });

  it("keeps user name and password as a variable", () => {
    assert.deepEqual(hideUserinfo("https://u:p@x/y@z"), { url: "https://{userinfo}@x/y@z", userinfo: "u:p" });
    for (const url of ["https://x/y@z", "https://{userinfo}@x/", "nonsense", "https://x?a@b"])
      assert.deepEqual(hideUserinfo(url), { url, userinfo: null });
  });

  it("is read with its query, and without its userinfo", () => {
    assert.deepEqual(parseHookUrl("https://u:p%40@x.example/y?k=v"), {
      url: "https://x.example/y?k=v",
      userinfo: { username: "u", password: "p@" },
    });
    assert.equal(parseHookUrl("http://x.example:8080").userinfo, null);
    for (const bad of [
      "ftp://x.example/",
      "git://x.example/r",
      "https://",
      "https://x/y#z",
      "https://x/?a b",
      "",
    ]) {
      assert.throws(
        () => parseHookUrl(bad),
        (error) => error instanceof HeliostatError && error.kind === "invalid",
        bad,
      );
    }
  });

  it("has keys as GitLab has them", () => {
    for (const good of ["a", "X-Own", "a1.b_c-D2"]) assert(isPairKey(good), good);
    for (const bad of ["", "1a", "a b", "a-", "a:b", "ä", "a\n"]) assert(!isPairKey(bad), bad);
  });
});

describe("a hook's template", () => {
  const event = { ref: 'refs/heads/"q"\n', n: 3, on: true, project: { name: "p" }, commits: [{ id: "c0" }] };

  it("has fields put in as JSON has them", () => {
    assert.deepEqual(
      JSON.parse(
        renderTemplate(
          `{"r":"{{ref}}","n":{{n}},"p":"{{ project.name }}","c":"{{commits.0.id}}","all":{{commits}}}`,
          event,
        ),
      ),
      { r: 'refs/heads/"q"\n', n: 3, p: "p", c: "c0", all: [{ id: "c0" }] },
    );
  });

  it("has nothing for what is not there, nor for what every object has", () => {
    assert.equal(renderTemplate(`{"a":"{{nobody}}{{constructor.name}}{{ref.length}}"}`, event), `{"a":""}`);
  });

  it("must give JSON", () => {
    assert.throws(() => renderTemplate("{{ref}}", event), /no valid JSON/);
  });
});

describe("the names of events", () => {
  it("are GitLab's", () => {
    assert.equal(deliveryEventOf("tag_push_events"), "tag_push_hooks");
    assert.equal(eventHeaderOf("tag_push_hooks"), "Tag Push Hook");
    assert.equal(eventHeaderOf("repository_update_hooks"), "Repository Update Hook");
  });
});
