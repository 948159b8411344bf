import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRemoteUrl } from "./remote-url.ts";
import { isItself } from "./self-mirror.ts";

const fullPath = "Group/sub/project";
const itself = (text: string, externalUrl: string) =>
  isItself(parseRemoteUrl(text).url, { externalUrl, sshPort: 2222, fullPath });

describe("isItself", () => {
  it("knows the clone URL however it is spelled", () => {
    for (const text of [
      "https://git.example.com/Group/sub/project.git",
      "https://git.example.com/Group/sub/project",
      "https://git.example.com/Group/sub/project/",
      "https://git.example.com/Group/sub/project.git/",
      "https://git.example.com/group/SUB/Project.GIT",
      "https://GIT.example.com:443/Group/sub/project.git",
      "https://git.example.com./Group/sub/project.git",
      "https://user:secret@git.example.com/Group/sub/project.git",
      "https://git.example.com//Group//sub/./project.git",
      "https://git.example.com/Group/x/../sub/%70roject%2Egit",
    ]) {
      assert.ok(itself(text, "https://git.example.com"), text);
      assert.ok(itself(text, "https://git.example.com:443/"), text);
    }
  });

  it("keeps the port and the path that the server is reached under", () => {
    assert.ok(itself("http://127.0.0.1:8080/Group/sub/project", "http://127.0.0.1:8080"));
    assert.ok(!itself("http://127.0.0.1/Group/sub/project", "http://127.0.0.1:8080"));
    assert.ok(itself("https://example.com/git/Group/sub/project", "https://example.com/git/"));
    assert.ok(!itself("https://example.com/Group/sub/project", "https://example.com/git/"));
    assert.ok(itself("http://[::1]:8080/Group/sub/project", "http://[::1]:8080"));
  });

  it("knows the clone URL of SSH, wherever the pages are", () => {
    for (const text of [
      "ssh://git@git.example.com:2222/Group/sub/project.git",
      "ssh://git.example.com:2222/group/sub/project",
      "ssh://git@GIT.example.com.:2222//Group/sub/project.git/",
    ]) {
      assert.ok(itself(text, "https://git.example.com"), text);
      assert.ok(itself(text, "https://git.example.com/pages"), text);
    }
    const at = (text: string, sshPort: number | null) =>
      isItself(parseRemoteUrl(text).url, { externalUrl: "https://git.example.com", sshPort, fullPath });
    assert.ok(at("git@git.example.com:Group/sub/project.git", 22));
    assert.ok(at("git@git.example.com:/Group/sub/project", 22));
    assert.ok(!at("git@git.example.com:Group/sub/project.git", 2222));
    assert.ok(!at("git@git.example.com:Group/sub/project.git", null));
    assert.ok(!at("git@other.example.com:Group/sub/project.git", 22));
    assert.ok(!at("git@git.example.com:Group/sub/project2.git", 22));
  });

  it("lets every other repository be", () => {
    for (const text of [
      "https://git.example.com/Group/sub/project2",
      "https://git.example.com/Group/sub",
      "https://git.example.com/Group/sub/project.git.git",
      "https://git.example.com/Group/sub/project.wiki.git",
      "https://git.example.com/Group/sub/project%",
      "https://other.example.com/Group/sub/project",
      "https://git.example.com:8443/Group/sub/project",
      "http://git.example.com/Group/sub/project",
      "ssh://git@git.example.com/Group/sub/project.git",
      "git://git.example.com/Group/sub/project.git",
    ]) {
      assert.ok(!itself(text, "https://git.example.com"), text);
    }
  });
});
