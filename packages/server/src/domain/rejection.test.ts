import assert from "node:assert/strict";
import { test } from "node:test";
import type { RejectionReason } from "@heliostat/contract";
import { classifyRejection, rejectionFor } from "./rejection.ts";

const HOOK = "pre-receive hook declined";
const OID = "5477a7dd26384ed3c8b3814ee677f755ad27a597";

/**
 * What hosts say: of the ref, and to people. Git's were captured (2.39.5); the hosts' are as they stand in public
 * reports, in their documentation or in their source, names of repositories and people replaced.
 */
const REPLIES: readonly (readonly [
  host: string,
  expected: RejectionReason,
  reason: string,
  ...lines: string[],
])[] = [
  [
    "GitHub",
    "file-too-large",
    HOOK,
    "error: Trace: 654c8d72f32f9965c4734092a2fb75d32fe2a39f6d10881c1465db48addc3ea4",
    "error: See https://gh.io/lfs for more information.",
    "error: File images/a.zip is 301.74 MB; this exceeds GitHub's file size limit of 100.00 MB",
    "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com/.",
  ],
  [
    "GitHub",
    "protected-branch",
    "protected branch hook declined",
    "error: GH006: Protected branch update failed for refs/heads/main.",
    "error: Changes must be made through a pull request.",
  ],
  [
    "GitHub",
    "protected-branch",
    "protected branch hook declined",
    "error: GH006: Protected branch update failed for refs/heads/main.",
    "error: Cannot force-push to this protected branch",
  ],
  [
    "GitHub",
    "protected-branch",
    "push declined due to repository rule violations",
    "error: GH013: Repository rule violations found for refs/heads/main.",
    "Review all repository rules at http://github.com/o/r/rules?ref=refs%2Fheads%2Fmain",
    "- Changes must be made through a pull request.",
  ],
  [
    "GitHub",
    "secret-found",
    "push declined due to repository rule violations",
    "error: GH013: Repository rule violations found for refs/heads/main.",
    "- GITHUB PUSH PROTECTION",
    "    Resolve the following violations before pushing again",
    "    - Push cannot contain secrets",
    "      —— GitHub Personal Access Token ——————————————————————",
    `         - commit: ${OID}`,
  ],
  [
    "GitHub",
    "push-too-large",
    "push declined due to repository rule violations",
    "error: GH013: Repository rule violations found for refs/heads/spr/master/1044d298.",
    "- Pushes can not update more than 5 branches or tags.",
  ],
  [
    "GitHub",
    "email-privacy",
    "push declined due to email privacy restrictions",
    "error: GH007: Your push would publish a private email address.",
    "You can make your email public or disable this protection by visiting:",
    "http://github.com/settings/emails",
  ],
  [
    "GitHub",
    "missing-workflow-scope",
    "refusing to allow a Personal Access Token to create or update workflow `.github/workflows/release.yaml` without `workflow` scope",
  ],
  [
    "GitHub App",
    "missing-workflow-scope",
    "refusing to allow a GitHub App to create or update workflow `.github/workflows/test.yml` without `workflows` permission",
  ],
  [
    "GitHub",
    "lfs-objects-missing",
    HOOK,
    "error: GH008: Your push referenced at least 1 unknown Git LFS object:",
    "    9b439f0ad3b1e8e965955487b72e84045e85fb844392890c7d34ba45b3430c1e",
    "Try to push them with 'git lfs push --all'.",
  ],
  ["GitHub", "push-too-large", "failed", "fatal: pack exceeds maximum allowed size (2.00 GiB)"],
  [
    "GitHub",
    "stale-lease",
    "cannot lock ref 'refs/heads/main': is at 66941e6196d60ec8a5f14cc3cd5764037bad4e82 but expected cdec69331ca3b4565378c23c6f917d5f89426a3a",
  ],
  ["GitHub", "stale-lease", "cannot lock ref 'refs/heads/topic': reference already exists"],
  [
    "GitHub",
    "name-conflict",
    "cannot lock ref 'refs/heads/a/b/c': 'refs/heads/a/b' exists; cannot create 'refs/heads/a/b/c'",
  ],
  [
    "GitHub",
    "corrupt-object",
    "failed",
    `error: object ${OID}: fullPathname: contains full pathnames`,
    "fatal: Error in object",
  ],
  ["GitHub", "default-branch", "refusing to delete the current branch: refs/heads/master"],
  ["GitHub, GitLab, git", "hidden-ref", "deny updating a hidden ref"],
  [
    "GitLab",
    "protected-branch",
    HOOK,
    "GitLab: You are not allowed to force push code to a protected branch on this project.",
  ],
  [
    "GitLab",
    "protected-branch",
    HOOK,
    "GitLab: You are not allowed to push code to protected branches on this project.",
  ],
  [
    "GitLab",
    "protected-branch",
    HOOK,
    "GitLab: You can only delete protected branches using the web interface.",
  ],
  ["GitLab", "protected-branch", HOOK, "GitLab: Protected tags cannot be updated."],
  ["GitLab", "protected-branch", HOOK, "GitLab: You are not allowed to create this tag as it is protected."],
  [
    "GitLab",
    "protected-branch",
    HOOK,
    "GitLab: You are not allowed to change existing tags on this project.",
  ],
  ["GitLab", "default-branch", HOOK, "GitLab: The default branch of a project cannot be deleted."],
  ["GitLab", "read-only", HOOK, "GitLab: You are not allowed to push code to this project."],
  [
    "GitLab",
    "lfs-objects-missing",
    HOOK,
    'GitLab: LFS objects are missing. Ensure LFS is properly set up or try a manual "git lfs push --all".',
  ],
  [
    "GitLab",
    "file-too-large",
    HOOK,
    "GitLab: You are attempting to check in one or more blobs which exceed the 100.0MiB limit:",
    "- 733315aecd6ac3eaf5dce93eed8e20dd4df9edc8 (105.13 MiB)",
    "To resolve this error, you must either reduce the size of the above blobs, or utilize LFS.",
  ],
  [
    "GitLab",
    "quota",
    HOOK,
    "GitLab: Your push has been rejected, because this repository has exceeded its size limit of 100 MB by 160 MB. Please contact your GitLab administrator for more information.",
  ],
  [
    "GitLab",
    "secret-found",
    HOOK,
    "PUSH BLOCKED: Secrets detected in code changes",
    "Secret push protection found the following secrets in commit: 37e54de5e78c31d9e3c3821fd15f7069e3d375b6",
    "-- test.txt:2 GitLab Personal Access Token",
  ],
  [
    "GitLab",
    "corrupt-object",
    "unpacker error (unpack: index-pack abnormal exit)",
    `error: object ${OID}: badDate: invalid author/committer line - bad date`,
    "fatal: Error in object",
  ],
  ["Gitea", "protected-branch", HOOK, "Gitea: Not allowed to push to protected branch main"],
  ["Gitea", "protected-branch", HOOK, "Gitea: branch main is protected from force push"],
  ["Gitea", "protected-branch", HOOK, "Gitea: branch main is protected from deletion"],
  ["Gitea", "protected-branch", HOOK, "Gitea: Tag v1 is protected"],
  ["Gitea", "default-branch", HOOK, "Gitea: branch master is the default branch and cannot be deleted"],
  ["Gitea", "read-only", HOOK, "Gitea: User permission denied for writing."],
  [
    "Gitee",
    "quota",
    HOOK,
    "This repository(including wiki) size 1143.71 MB, exceeds 1024.00 MB.",
    "Push rejected for repository size exceeds limit.",
  ],
  ["GitBucket", "read-only", "This repository was archived so it is read-only."],
  [
    "GitBucket",
    "file-too-large",
    "unpacker error (unpack: error Object too large (2,577,619,487 bytes), rejecting the pack. Max object size limit is 2,147,483,639 bytes.)",
  ],
  [
    "Harness",
    "file-too-large",
    HOOK,
    "Push contains files exceeding the size limit:",
    "  31c3dd7f2bf911dc68461ec6cbff002d9cce017d",
    "1 file found exceeding the size limit of 100000000B",
  ],
  [
    "Bitbucket Cloud",
    "quota",
    HOOK,
    "Repository is over the size limit (4 GB) and will not accept further additions.",
    "Learn how to reduce your repository size: https://confluence.atlassian.com/x/xgMvEw.",
  ],
  ["Bitbucket Cloud", "quota", HOOK, "repository is in read only mode (over 2 GB size limit)."],
  ["Bitbucket Cloud", "protected-branch", HOOK, "Permission denied to update branch main."],
  ["Bitbucket Cloud", "push-too-large", "failed", "fatal: pack exceeds maximum allowed size"],
  [
    "Bitbucket Data Center",
    "protected-branch",
    HOOK,
    "Branch refs/heads/develop can only be modified through pull requests.",
    "Check your branch permissions configuration with the project administrator.",
  ],
  [
    "Azure DevOps",
    "protected-branch",
    "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
  ],
  [
    "Azure DevOps",
    "protected-branch",
    "TF401027: You need the Git 'ForcePush' permission to perform this action. Details: identity 'x', scope 'branch'.",
  ],
  [
    "Azure DevOps",
    "read-only",
    "TF401027: You need the Git 'GenericContribute' permission to perform this action. Details: identity 'x', scope 'repository'.",
  ],
  [
    "Azure DevOps",
    "stale-lease",
    "TF401028: The reference 'refs/heads/main' has already been updated by another client.",
  ],
  [
    "Azure DevOps",
    "push-too-large",
    "TF402462: This push was rejected because its size is greater than the 5120 MB limit for pushes in this repository.",
  ],
  [
    "Azure DevOps",
    "secret-found",
    "VS403654: The push was rejected because it contains one or more secrets.",
  ],
  [
    "Azure DevOps",
    "file-too-large",
    "The blob object c369b024fcb95da6ee4682eab5c840c1c9cb1ba0 was rejected: The object will increase this repository size by 7772458 bytes (the limit is 4194304 bytes).",
  ],
  [
    "Azure DevOps",
    "read-only",
    "The Git pack file limit has been reached, write operations are temporarily unavailable while the repository is updated.",
  ],
  ["CodeCommit", "push-too-large", "Too many reference update commands"],
  ["Gerrit", "not-fast-forward", "non-fast forward"],
  [
    "OpenNeuro",
    "quota",
    "unpacker error (unpack: index-pack abnormal exit)",
    "fatal: write error: No space left on device",
  ],
  ["OpenNeuro", "quota", "unpacker error (unpack: unable to create temporary object directory)"],
  [
    "git",
    "name-conflict",
    "failed to update ref",
    "error: cannot lock ref 'refs/heads/t/one': 'refs/heads/t' exists; cannot create 'refs/heads/t/one'",
  ],
  [
    "git",
    "stale-lease",
    "failed to update ref",
    `error: cannot lock ref 'refs/heads/main': is at ${OID} but expected 3cb254d902a9b226bf95696af3a98839bb7797a4`,
  ],
  ["git", "stale-lease", "failed to update ref"],
  ["git", "stale-lease", "incorrect old value provided"],
  ["git", "stale-lease", "stale info"],
  ["git", "stale-lease", "fetch first"],
  [
    "git",
    "not-fast-forward",
    "non-fast-forward",
    "error: denying non-fast-forward refs/heads/main (you should pull first)",
  ],
  [
    "git",
    "default-branch",
    "deletion of the current branch prohibited",
    "error: By default, deleting the current branch is denied, because the next",
    "error: refusing to delete the current branch: refs/heads/main",
  ],
  ["git", "default-branch", "branch is currently checked out"],
  ["git", "corrupt-object", "missing necessary objects"],
  ["git", "corrupt-object", "unpacker error (unpack: unpack-objects abnormal exit)"],
  ["git", "hook-declined", "hook declined", "no bad names here"],
  ["git", "hook-declined", HOOK],
  ["git", "other", "it failed to report status"],
  ["nobody", "other", ""],
];

test("what hosts say is classified", () => {
  for (const [host, expected, reason, ...lines] of REPLIES) {
    const { reason: found, fix } = classifyRejection(reason, lines);
    assert.equal(found, expected, `${host}: ${reason} ${lines.join(" | ")}`);
    assert.match(fix, /^[A-Z].{10,200}\.$/, "one short sentence or two");
  }
});

test("what is said of the ref goes before what is said to people", () => {
  assert.equal(
    classifyRejection("deny updating a hidden ref", ["error: GH001: Large files detected."]).reason,
    "hidden-ref",
  );
});

test("a lock that is in the way may be one that nobody will ever take away", () => {
  const said =
    "error: cannot lock ref 'refs/heads/a': Unable to create '/a.git/./refs/heads/a.lock': File exists.";
  const { reason, fix } = classifyRejection("failed to update ref", [said]);
  assert.equal(reason, "stale-lease");
  assert.match(fix, /administrator remove the file/);
  assert.match(rejectionFor("stale-lease").fix, /^Nothing to do/);
});

test("the fix for what we refused ourselves blames no remote", () => {
  for (const reason of ["corrupt-object", "name-conflict", "stale-lease", "broken-off", "other"] as const) {
    assert.equal(rejectionFor(reason).reason, reason);
  }
  assert.match(
    rejectionFor("corrupt-object").fix,
    /^Run `git fsck` on the source: the object is broken, or none/,
  );
  assert.match(classifyRejection("bad pack", []).fix, /the remote checks objects more strictly/);
});
