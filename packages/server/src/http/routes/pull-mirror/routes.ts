import { publicKeySchema, sshAttributes } from "@heliostat/contract/api/host-keys.ts";
import {
  pullMirrorParams,
  pullMirrorSchema,
  pullMirrorSettingsParams,
  pullMirrorStartParams,
  pullMirrorTriggerSchema,
} from "@heliostat/contract/api/pull-mirror.ts";
import type { MirrorStart } from "../../../app/use-cases.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import { given } from "../../../domain/given.ts";
import { withStatus } from "../../api-answer.ts";
import { apiRoute, ok } from "../../api-route.ts";
import { presentPublicKey } from "../host-keys/present.ts";
import { hookAnswer } from "../mirrors/present.ts";
import { readSsh } from "../mirrors/read-ssh.ts";
import { readTags } from "../mirrors/read-tags.ts";
import { presentPullMirror, presentStart } from "./present.ts";

const PATH = "/projects/:id/mirror/pull";
/** GitLab names the field so, on this endpoint only. */
const urlField = "unsafe_import_url";

/** Terraform reads this very answer as "the pull mirror is off". */
function notMirrored(): HeliostatError {
  return new HeliostatError("model-invalid", "The project is not mirrored");
}

function startAnswer(start: MirrorStart) {
  if (start.status === "on-pause") {
    throw new HeliostatError("mirror-on-pause", "Mirroring for the project is on pause");
  }
  return ok(presentStart(start));
}

export const pullMirrorRoutes = [
  apiRoute({
    method: "GET",
    path: PATH,
    access: "read_api",
    summary: "Show the pull mirror of a project",
    params: pullMirrorParams,
    answer: pullMirrorSchema,
    handle: async ({ useCases, principal, params }) => {
      const mirror = await useCases.findPullMirror(principal, params.id);
      if (mirror === null) throw notMirrored();
      return ok(presentPullMirror(mirror));
    },
  }),
  apiRoute({
    method: "PUT",
    path: PATH,
    access: "api",
    summary: "Configure the pull mirror of a project",
    params: pullMirrorSettingsParams,
    answer: pullMirrorSchema,
    mutuallyExclusive: ["only_mirror_protected_branches", "mirror_branch_regex"],
    atLeastOneOf: [
      "enabled",
      "url",
      "auth_user",
      "auth_password",
      "mirror_trigger_builds",
      "only_mirror_protected_branches",
      "mirror_overwrites_diverged_branches",
      "mirror_branch_regex",
    ],
    orOneOf: [
      "mirror_tags",
      "mirror_deletions",
      "follow_default_branch",
      "auth_method",
      "credential_id",
      ...Object.keys(sshAttributes),
    ],
    urlField,
    handle: async ({ useCases, principal, params }) => {
      const settings = given({
        enabled: params.enabled,
        url: params.url,
        username: params.auth_user,
        password: params.auth_password,
        authMethod: params.auth_method,
        ...readSsh(params),
        triggerBuilds: params.mirror_trigger_builds,
        onlyProtectedBranches: params.only_mirror_protected_branches ?? undefined,
        overwritesDivergedBranches: params.mirror_overwrites_diverged_branches,
        branchRegex: params.mirror_branch_regex,
        tags: readTags(params.mirror_tags),
        deletions: params.mirror_deletions,
        followDefaultBranch: params.follow_default_branch,
        credentialId: params.credential_id,
      });
      return ok(presentPullMirror(await useCases.configurePullMirror(principal, params.id, settings)));
    },
  }),
  apiRoute({
    method: "POST",
    path: PATH,
    access: "api",
    orTriggerToken: true,
    takesWebhooks: true,
    summary: "Start an update of the pull mirror of a project",
    params: pullMirrorStartParams,
    answer: withStatus(200, pullMirrorTriggerSchema),
    urlField,
    handle: async ({ useCases, principal, triggerToken, webhook, params }) => {
      if (triggerToken !== null) {
        const heard = await useCases.triggerMirror(triggerToken, params.id, "pull", webhook);
        return hookAnswer(heard, startAnswer);
      }
      if (principal.kind === "anonymous" && webhook !== null) {
        return hookAnswer(await useCases.receiveHook(params.id, "pull", webhook), startAnswer);
      }
      // Deviation: GitLab ignores `import_url` here, but one client library sets pull mirrors up with it.
      if (params.import_url !== undefined && params.mirror !== false) {
        const settings = given({
          url: params.import_url,
          triggerBuilds: params.mirror_trigger_builds,
          onlyProtectedBranches: params.only_protected_branches ?? undefined,
        });
        await useCases.configurePullMirror(principal, params.id, { enabled: true, ...settings });
      }
      const options = { force: params.force ?? false, hook: webhook };
      const heard = await useCases.startPullMirror(principal, params.id, options);
      if (heard === null) throw notMirrored();
      return hookAnswer(heard, startAnswer);
    },
  }),
  // Ours: GitLab has this for push mirrors only.
  apiRoute({
    method: "GET",
    path: `${PATH}/public_key`,
    access: "read_api",
    summary: "Show the public SSH key of the pull mirror",
    params: pullMirrorParams,
    answer: publicKeySchema,
    handle: async ({ useCases, principal, params }) => {
      const mirror = await useCases.findPullMirror(principal, params.id);
      if (mirror === null) throw notMirrored();
      return ok(presentPublicKey(mirror));
    },
  }),
];
