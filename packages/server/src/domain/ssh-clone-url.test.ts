import assert from "node:assert/strict";
import { test } from "node:test";
import { knownHostsName, sshCloneUrl } from "./ssh-clone-url.ts";

test("the clone URL is short on port 22, and names any other port", () => {
  const externalUrl = "https://git.example.com:8443/heliostat";
  assert.equal(sshCloneUrl({ externalUrl, sshPort: 22 }, "grp/sub/a"), "git@git.example.com:grp/sub/a.git");
  assert.equal(
    sshCloneUrl({ externalUrl, sshPort: 2222 }, "grp/a"),
    "ssh://git@git.example.com:2222/grp/a.git",
  );
  assert.equal(sshCloneUrl({ externalUrl, sshPort: null }, "grp/a"), null);
  assert.equal(sshCloneUrl({ externalUrl: "http://[::1]:80", sshPort: 22 }, "grp/a"), "git@[::1]:grp/a.git");
});

test("known_hosts has brackets for any other port", () => {
  assert.equal(knownHostsName({ externalUrl: "https://git.example.com", sshPort: 22 }), "git.example.com");
  assert.equal(knownHostsName({ externalUrl: "http://[::1]", sshPort: 22 }), "::1");
  assert.equal(knownHostsName({ externalUrl: "http://[::1]", sshPort: 2222 }), "[::1]:2222");
  assert.equal(knownHostsName({ externalUrl: "http://x", sshPort: null }), null);
});
