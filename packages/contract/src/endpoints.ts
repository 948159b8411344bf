// Written by `npm run endpoints` from the routes of the server.
import type {
  accessTokenListParams,
  accessTokenParams,
  accessTokenRotationParams,
  accessTokenSchema,
  createdAccessTokenSchema,
  createdResourceTokenSchema,
  newAccessTokenParams,
  newResourceTokenParams,
  newUserAccessTokenParams,
  ownResourceTokenRotationParams,
  resourceTokenListParams,
  resourceTokenParams,
  resourceTokenRotationParams,
  resourceTokenSchema,
  tokenRotationParams,
} from "./api/access-tokens.ts";
import type { applicationSettingsParams, applicationSettingsSchema } from "./api/application-settings.ts";
import type {
  auditEventExportParams,
  auditEventListParams,
  auditEventParams,
  auditEventSchema,
  placeAuditEventListParams,
  placeAuditEventParams,
} from "./api/audit-events.ts";
import type {
  connectionReportSchema,
  credentialTestParams,
  newMirrorTestParams,
} from "./api/connection-tests.ts";
import type {
  credentialChangeParams,
  credentialListParams,
  credentialParams,
  credentialRotationParams,
  credentialSchema,
  credentialUseListParams,
  credentialUseSchema,
  newCredentialParams,
} from "./api/credentials.ts";
import type { eventListParams, eventSchema, ownEventListParams } from "./api/events.ts";
import type {
  groupChangeParams,
  groupListParams,
  groupParams,
  groupProjectListParams,
  groupSchema,
  groupsBelowParams,
  newGroupParams,
  projectIntoGroupParams,
} from "./api/groups.ts";
import type { hookSecretSchema, newHookSecretParams } from "./api/hook-secrets.ts";
import type {
  hookChangeParams,
  hookEventListParams,
  hookEventParams,
  hookEventSchema,
  hookListParams,
  hookPairParams,
  hookPairValueParams,
  hookParams,
  hookResendSchema,
  hookSchema,
  hookTestParams,
  newHookParams,
} from "./api/hooks.ts";
import type {
  hostKeyAcceptanceParams,
  hostKeyDetectionParams,
  hostKeyDetectionSchema,
  hostKeyReviewParams,
  hostKeyReviewSchema,
  publicKeySchema,
} from "./api/host-keys.ts";
import type { identityParams, identitySchema, signInOptionsSchema } from "./api/identities.ts";
import type {
  instanceHostKeySchema,
  messageSchema,
  metadataSchema,
  trueSchema,
  versionSchema,
} from "./api/instance.ts";
import type {
  addedMembersSchema,
  memberChangeParams,
  memberListParams,
  memberParams,
  memberRemovalParams,
  memberSchema,
  newMemberParams,
} from "./api/members.ts";
import type { anyMirrorListParams, mirrorOfAnyProjectSchema } from "./api/mirror-attention.ts";
import type { mirrorExplanationSchema } from "./api/mirror-explanation.ts";
import type { failingHostSchema, resumedMirrorsSchema, resumeMirrorsParams } from "./api/mirror-hosts.ts";
import type { mirrorOverviewSchema } from "./api/mirror-overview.ts";
import type {
  mirrorChangeParams,
  mirrorHookHeardSchema,
  mirrorListParams,
  mirrorParams,
  mirrorPreviewParams,
  mirrorPreviewSchema,
  mirrorProgressParams,
  mirrorProgressSchema,
  mirrorSchema,
  mirrorStartSchema,
  mirrorSyncParams,
  mirrorUpdateListParams,
  mirrorUpdateParams,
  mirrorUpdateSchema,
  newMirrorParams,
  wholeMirrorUpdateSchema,
} from "./api/mirrors.ts";
import type {
  namespaceExistsParams,
  namespaceExistsSchema,
  namespaceListParams,
  namespaceParams,
  namespaceSchema,
} from "./api/namespaces.ts";
import type { noParams } from "./api/parameters.ts";
import type {
  newPipelineTriggerParams,
  pipelineDeliveryListParams,
  pipelineDeliverySchema,
  pipelineTriggerChangeParams,
  pipelineTriggerListParams,
  pipelineTriggerParams,
  pipelineTriggerSchema,
  pipelineTriggerTestParams,
} from "./api/pipeline-triggers.ts";
import type {
  importSchema,
  listedProjectSchema,
  newProjectParams,
  newUserProjectParams,
  projectChangeParams,
  projectLanguagesSchema,
  projectListParams,
  projectParams,
  projectSchema,
  projectTransferParams,
  userProjectListParams,
} from "./api/projects.ts";
import type {
  newProtectedBranchParams,
  protectedBranchChangeParams,
  protectedBranchListParams,
  protectedBranchParams,
  protectedBranchSchema,
} from "./api/protected-branches.ts";
import type {
  newProtectedTagParams,
  protectedTagListParams,
  protectedTagParams,
  protectedTagSchema,
} from "./api/protected-tags.ts";
import type {
  pullMirrorParams,
  pullMirrorSchema,
  pullMirrorSettingsParams,
  pullMirrorStartParams,
  pullMirrorTriggerSchema,
} from "./api/pull-mirror.ts";
import type {
  newRemoteMirrorParams,
  remoteMirrorChangeParams,
  remoteMirrorListParams,
  remoteMirrorParams,
  remoteMirrorSchema,
} from "./api/remote-mirrors.ts";
import type {
  commitDiffParams,
  commitListParams,
  commitParams,
  commitRefSchema,
  commitRefsParams,
  commitSchema,
  compareParams,
  comparisonSchema,
  fileDiffSchema,
  mergeBaseParams,
  signatureSchema,
  singleCommitSchema,
} from "./api/repository-commits.ts";
import type {
  archiveParams,
  blobParams,
  blobSchema,
  fileParams,
  fileSchema,
  fileSearchParams,
  foundFileSchema,
  rawFileParams,
  treeEntrySchema,
  treeParams,
} from "./api/repository-files.ts";
import type {
  branchListParams,
  branchParams,
  branchSchema,
  foundRefSchema,
  newBranchParams,
  newTagParams,
  refSearchParams,
  tagListParams,
  tagParams,
  tagSchema,
} from "./api/repository-refs.ts";
import type {
  mirrorNeedingSecretListParams,
  mirrorNeedingSecretSchema,
  secretsRotatedSchema,
  secretsRotateParams,
  secretsStateSchema,
} from "./api/secrets.ts";
import type {
  endedSessionsSchema,
  ownPasswordParams,
  sessionParams,
  sessionSchema,
  userPasswordParams,
} from "./api/sessions.ts";
import type {
  anyKeyParams,
  deployKeyChangeParams,
  deployKeyListParams,
  deployKeyOfInstanceSchema,
  deployKeyParams,
  keyByFingerprintParams,
  newDeployKeyParams,
  newOwnKeyParams,
  newUserKeyParams,
  ownedSshKeySchema,
  ownKeyListParams,
  ownKeyParams,
  projectDeployKeySchema,
  sshKeySchema,
  userKeyListParams,
  userKeyParams,
} from "./api/ssh-keys.ts";
import type {
  createdTriggerTokenSchema,
  newTriggerTokenParams,
  triggerTokenParams,
  triggerTokenSchema,
} from "./api/trigger-tokens.ts";
import type {
  recoveryCodesSchema,
  twoFactorBeginParams,
  twoFactorConfirmParams,
  twoFactorDisableParams,
  twoFactorProofParams,
  twoFactorSchema,
  twoFactorSecretSchema,
} from "./api/two-factor.ts";
import type {
  fullUserSchema,
  newUserParams,
  userChangeParams,
  userListParams,
  userParams,
  visibleUserSchema,
} from "./api/users.ts";
import type { Endpoint, FileEndpoint, ListEndpoint } from "./endpoint.ts";

/** Every endpoint of the API, with its parameters and its answer. */
export interface Endpoints {
  "DELETE /credentials/:id": Endpoint<typeof credentialParams, null>;
  "DELETE /groups/:id": Endpoint<typeof groupParams, typeof messageSchema>;
  "DELETE /groups/:id/access_tokens/:token_id": Endpoint<typeof resourceTokenParams, null>;
  "DELETE /groups/:id/members/:user_id": Endpoint<typeof memberRemovalParams, null>;
  "DELETE /personal_access_tokens/:id": Endpoint<typeof accessTokenParams, null>;
  "DELETE /personal_access_tokens/self": Endpoint<typeof noParams, null>;
  "DELETE /projects/:id": Endpoint<typeof projectParams, typeof messageSchema>;
  "DELETE /projects/:id/access_tokens/:token_id": Endpoint<typeof resourceTokenParams, null>;
  "DELETE /projects/:id/deploy_keys/:key_id": Endpoint<typeof deployKeyParams, null>;
  "DELETE /projects/:id/hooks/:hook_id": Endpoint<typeof hookParams, null>;
  "DELETE /projects/:id/hooks/:hook_id/custom_headers/:key": Endpoint<typeof hookPairParams, null>;
  "DELETE /projects/:id/hooks/:hook_id/url_variables/:key": Endpoint<typeof hookPairParams, null>;
  "DELETE /projects/:id/members/:user_id": Endpoint<typeof memberRemovalParams, null>;
  "DELETE /projects/:id/mirrors/:mirror_id": Endpoint<typeof mirrorParams, null>;
  "DELETE /projects/:id/mirrors/:mirror_id/hook_secret": Endpoint<typeof mirrorParams, null>;
  "DELETE /projects/:id/mirrors/:mirror_id/trigger_tokens/:token_id": Endpoint<
    typeof triggerTokenParams,
    null
  >;
  "DELETE /projects/:id/pipeline_triggers/:trigger_id": Endpoint<typeof pipelineTriggerParams, null>;
  "DELETE /projects/:id/protected_branches/:name": Endpoint<typeof protectedBranchParams, null>;
  "DELETE /projects/:id/protected_tags/:name": Endpoint<typeof protectedTagParams, null>;
  "DELETE /projects/:id/remote_mirrors/:mirror_id": Endpoint<typeof remoteMirrorParams, null>;
  "DELETE /projects/:id/repository/branches/:branch": Endpoint<typeof branchParams, null>;
  "DELETE /projects/:id/repository/tags/:tag_name": Endpoint<typeof tagParams, null>;
  "DELETE /user/identities/:id": Endpoint<typeof identityParams, null>;
  "DELETE /user/keys/:key_id": Endpoint<typeof ownKeyParams, null>;
  "DELETE /user/sessions": Endpoint<typeof noParams, typeof endedSessionsSchema>;
  "DELETE /user/sessions/:id": Endpoint<typeof sessionParams, null>;
  "DELETE /user/two_factor": Endpoint<typeof twoFactorProofParams, null>;
  "DELETE /users/:id": Endpoint<typeof userParams, null>;
  "DELETE /users/:id/keys/:key_id": Endpoint<typeof userKeyParams, null>;
  "GET /application/secrets": Endpoint<typeof noParams, typeof secretsStateSchema>;
  "GET /application/settings": Endpoint<typeof noParams, typeof applicationSettingsSchema>;
  "GET /audit_events": ListEndpoint<typeof auditEventListParams, typeof auditEventSchema>;
  "GET /audit_events/:audit_event_id": Endpoint<typeof auditEventParams, typeof auditEventSchema>;
  "GET /audit_events/export": FileEndpoint<typeof auditEventExportParams>;
  "GET /credentials": ListEndpoint<typeof credentialListParams, typeof credentialSchema>;
  "GET /credentials/:id": Endpoint<typeof credentialParams, typeof credentialSchema>;
  "GET /credentials/:id/mirrors": ListEndpoint<typeof credentialUseListParams, typeof credentialUseSchema>;
  "GET /deploy_keys": ListEndpoint<typeof ownKeyListParams, typeof deployKeyOfInstanceSchema>;
  "GET /events": ListEndpoint<typeof ownEventListParams, typeof eventSchema>;
  "GET /groups": ListEndpoint<typeof groupListParams, typeof groupSchema>;
  "GET /groups/:id": Endpoint<typeof groupParams, typeof groupSchema>;
  "GET /groups/:id/access_tokens": ListEndpoint<typeof resourceTokenListParams, typeof resourceTokenSchema>;
  "GET /groups/:id/access_tokens/:token_id": Endpoint<typeof resourceTokenParams, typeof resourceTokenSchema>;
  "GET /groups/:id/audit_events": ListEndpoint<typeof placeAuditEventListParams, typeof auditEventSchema>;
  "GET /groups/:id/audit_events/:audit_event_id": Endpoint<
    typeof placeAuditEventParams,
    typeof auditEventSchema
  >;
  "GET /groups/:id/descendant_groups": ListEndpoint<typeof groupsBelowParams, typeof groupSchema>;
  "GET /groups/:id/members": ListEndpoint<typeof memberListParams, typeof memberSchema>;
  "GET /groups/:id/members/:user_id": Endpoint<typeof memberParams, typeof memberSchema>;
  "GET /groups/:id/members/all": ListEndpoint<typeof memberListParams, typeof memberSchema>;
  "GET /groups/:id/members/all/:user_id": Endpoint<typeof memberParams, typeof memberSchema>;
  "GET /groups/:id/projects": ListEndpoint<typeof groupProjectListParams, typeof listedProjectSchema>;
  "GET /groups/:id/subgroups": ListEndpoint<typeof groupsBelowParams, typeof groupSchema>;
  "GET /keys": Endpoint<typeof keyByFingerprintParams, typeof ownedSshKeySchema>;
  "GET /keys/:id": Endpoint<typeof anyKeyParams, typeof ownedSshKeySchema>;
  "GET /metadata": Endpoint<typeof noParams, typeof metadataSchema>;
  "GET /mirrors": ListEndpoint<typeof anyMirrorListParams, typeof mirrorOfAnyProjectSchema>;
  "GET /mirrors/attention": ListEndpoint<typeof anyMirrorListParams, typeof mirrorOfAnyProjectSchema>;
  "GET /mirrors/hosts": ListEndpoint<typeof noParams, typeof failingHostSchema>;
  "GET /mirrors/needing_secret": ListEndpoint<
    typeof mirrorNeedingSecretListParams,
    typeof mirrorNeedingSecretSchema
  >;
  "GET /mirrors/overview": Endpoint<typeof noParams, typeof mirrorOverviewSchema>;
  "GET /namespaces": ListEndpoint<typeof namespaceListParams, typeof namespaceSchema>;
  "GET /namespaces/:id": Endpoint<typeof namespaceParams, typeof namespaceSchema>;
  "GET /namespaces/:path/exists": Endpoint<typeof namespaceExistsParams, typeof namespaceExistsSchema>;
  "GET /personal_access_tokens": ListEndpoint<typeof accessTokenListParams, typeof accessTokenSchema>;
  "GET /personal_access_tokens/:id": Endpoint<typeof accessTokenParams, typeof accessTokenSchema>;
  "GET /personal_access_tokens/self": Endpoint<typeof noParams, typeof accessTokenSchema>;
  "GET /projects": ListEndpoint<typeof projectListParams, typeof listedProjectSchema>;
  "GET /projects/:id": Endpoint<typeof projectParams, typeof projectSchema>;
  "GET /projects/:id/access_tokens": ListEndpoint<typeof resourceTokenListParams, typeof resourceTokenSchema>;
  "GET /projects/:id/access_tokens/:token_id": Endpoint<
    typeof resourceTokenParams,
    typeof resourceTokenSchema
  >;
  "GET /projects/:id/audit_events": ListEndpoint<typeof placeAuditEventListParams, typeof auditEventSchema>;
  "GET /projects/:id/audit_events/:audit_event_id": Endpoint<
    typeof placeAuditEventParams,
    typeof auditEventSchema
  >;
  "GET /projects/:id/deploy_keys": ListEndpoint<typeof deployKeyListParams, typeof projectDeployKeySchema>;
  "GET /projects/:id/deploy_keys/:key_id": Endpoint<typeof deployKeyParams, typeof projectDeployKeySchema>;
  "GET /projects/:id/events": ListEndpoint<typeof eventListParams, typeof eventSchema>;
  "GET /projects/:id/hooks": ListEndpoint<typeof hookListParams, typeof hookSchema>;
  "GET /projects/:id/hooks/:hook_id": Endpoint<typeof hookParams, typeof hookSchema>;
  "GET /projects/:id/hooks/:hook_id/events": ListEndpoint<typeof hookEventListParams, typeof hookEventSchema>;
  "GET /projects/:id/hooks/:hook_id/events/:hook_event_id": Endpoint<
    typeof hookEventParams,
    typeof hookEventSchema
  >;
  "GET /projects/:id/import": Endpoint<typeof projectParams, typeof importSchema>;
  "GET /projects/:id/languages": Endpoint<typeof projectParams, typeof projectLanguagesSchema>;
  "GET /projects/:id/members": ListEndpoint<typeof memberListParams, typeof memberSchema>;
  "GET /projects/:id/members/:user_id": Endpoint<typeof memberParams, typeof memberSchema>;
  "GET /projects/:id/members/all": ListEndpoint<typeof memberListParams, typeof memberSchema>;
  "GET /projects/:id/members/all/:user_id": Endpoint<typeof memberParams, typeof memberSchema>;
  "GET /projects/:id/mirror/pull": Endpoint<typeof pullMirrorParams, typeof pullMirrorSchema>;
  "GET /projects/:id/mirror/pull/public_key": Endpoint<typeof pullMirrorParams, typeof publicKeySchema>;
  "GET /projects/:id/mirrors": ListEndpoint<typeof mirrorListParams, typeof mirrorSchema>;
  "GET /projects/:id/mirrors/:mirror_id": Endpoint<typeof mirrorParams, typeof mirrorSchema>;
  "GET /projects/:id/mirrors/:mirror_id/explanation": Endpoint<
    typeof mirrorParams,
    typeof mirrorExplanationSchema
  >;
  "GET /projects/:id/mirrors/:mirror_id/host_keys/review": Endpoint<
    typeof hostKeyReviewParams,
    typeof hostKeyReviewSchema
  >;
  "GET /projects/:id/mirrors/:mirror_id/progress": Endpoint<
    typeof mirrorProgressParams,
    typeof mirrorProgressSchema
  >;
  "GET /projects/:id/mirrors/:mirror_id/progress/stream": FileEndpoint<typeof mirrorProgressParams>;
  "GET /projects/:id/mirrors/:mirror_id/public_key": Endpoint<
    typeof hostKeyReviewParams,
    typeof publicKeySchema
  >;
  "GET /projects/:id/mirrors/:mirror_id/trigger_tokens": ListEndpoint<
    typeof mirrorParams,
    typeof triggerTokenSchema
  >;
  "GET /projects/:id/mirrors/:mirror_id/updates": ListEndpoint<
    typeof mirrorUpdateListParams,
    typeof mirrorUpdateSchema
  >;
  "GET /projects/:id/mirrors/:mirror_id/updates/:update_id": Endpoint<
    typeof mirrorUpdateParams,
    typeof wholeMirrorUpdateSchema
  >;
  "GET /projects/:id/mirrors/ssh_host_keys": Endpoint<
    typeof hostKeyDetectionParams,
    typeof hostKeyDetectionSchema
  >;
  "GET /projects/:id/pipeline_triggers": ListEndpoint<
    typeof pipelineTriggerListParams,
    typeof pipelineTriggerSchema
  >;
  "GET /projects/:id/pipeline_triggers/:trigger_id": Endpoint<
    typeof pipelineTriggerParams,
    typeof pipelineTriggerSchema
  >;
  "GET /projects/:id/pipeline_triggers/:trigger_id/deliveries": ListEndpoint<
    typeof pipelineDeliveryListParams,
    typeof pipelineDeliverySchema
  >;
  "GET /projects/:id/protected_branches": ListEndpoint<
    typeof protectedBranchListParams,
    typeof protectedBranchSchema
  >;
  "GET /projects/:id/protected_branches/:name": Endpoint<
    typeof protectedBranchParams,
    typeof protectedBranchSchema
  >;
  "GET /projects/:id/protected_tags": ListEndpoint<typeof protectedTagListParams, typeof protectedTagSchema>;
  "GET /projects/:id/protected_tags/:name": Endpoint<typeof protectedTagParams, typeof protectedTagSchema>;
  "GET /projects/:id/remote_mirrors": ListEndpoint<typeof remoteMirrorListParams, typeof remoteMirrorSchema>;
  "GET /projects/:id/remote_mirrors/:mirror_id": Endpoint<
    typeof remoteMirrorParams,
    typeof remoteMirrorSchema
  >;
  "GET /projects/:id/remote_mirrors/:mirror_id/public_key": Endpoint<
    typeof remoteMirrorParams,
    typeof publicKeySchema
  >;
  "GET /projects/:id/repository/archive": FileEndpoint<typeof archiveParams>;
  "GET /projects/:id/repository/archive.tar": FileEndpoint<typeof archiveParams>;
  "GET /projects/:id/repository/archive.tar.gz": FileEndpoint<typeof archiveParams>;
  "GET /projects/:id/repository/archive.tgz": FileEndpoint<typeof archiveParams>;
  "GET /projects/:id/repository/archive.zip": FileEndpoint<typeof archiveParams>;
  "GET /projects/:id/repository/blobs/:sha": Endpoint<typeof blobParams, typeof blobSchema>;
  "GET /projects/:id/repository/blobs/:sha/raw": FileEndpoint<typeof blobParams>;
  "GET /projects/:id/repository/branches": ListEndpoint<typeof branchListParams, typeof branchSchema>;
  "GET /projects/:id/repository/branches/:branch": Endpoint<typeof branchParams, typeof branchSchema>;
  "GET /projects/:id/repository/commits": ListEndpoint<typeof commitListParams, typeof commitSchema>;
  "GET /projects/:id/repository/commits/:sha": Endpoint<typeof commitParams, typeof singleCommitSchema>;
  "GET /projects/:id/repository/commits/:sha/diff": ListEndpoint<
    typeof commitDiffParams,
    typeof fileDiffSchema
  >;
  "GET /projects/:id/repository/commits/:sha/refs": ListEndpoint<
    typeof commitRefsParams,
    typeof commitRefSchema
  >;
  "GET /projects/:id/repository/commits/:sha/signature": Endpoint<
    typeof commitParams,
    typeof signatureSchema
  >;
  "GET /projects/:id/repository/compare": Endpoint<typeof compareParams, typeof comparisonSchema>;
  "GET /projects/:id/repository/file_names": ListEndpoint<typeof fileSearchParams, typeof foundFileSchema>;
  "GET /projects/:id/repository/files/:file_path": Endpoint<typeof fileParams, typeof fileSchema>;
  "GET /projects/:id/repository/files/:file_path/raw": FileEndpoint<typeof rawFileParams>;
  "GET /projects/:id/repository/merge_base": Endpoint<typeof mergeBaseParams, typeof commitSchema>;
  "GET /projects/:id/repository/refs": ListEndpoint<typeof refSearchParams, typeof foundRefSchema>;
  "GET /projects/:id/repository/tags": ListEndpoint<typeof tagListParams, typeof tagSchema>;
  "GET /projects/:id/repository/tags/:tag_name": Endpoint<typeof tagParams, typeof tagSchema>;
  "GET /projects/:id/repository/tags/:tag_name/signature": Endpoint<typeof tagParams, typeof signatureSchema>;
  "GET /projects/:id/repository/tree": ListEndpoint<typeof treeParams, typeof treeEntrySchema>;
  "GET /sign_in_options": Endpoint<typeof noParams, typeof signInOptionsSchema>;
  "GET /ssh_host_keys": ListEndpoint<typeof noParams, typeof instanceHostKeySchema>;
  "GET /user": Endpoint<typeof noParams, typeof fullUserSchema>;
  "GET /user/identities": ListEndpoint<typeof noParams, typeof identitySchema>;
  "GET /user/keys": ListEndpoint<typeof ownKeyListParams, typeof sshKeySchema>;
  "GET /user/keys/:key_id": Endpoint<typeof ownKeyParams, typeof sshKeySchema>;
  "GET /user/sessions": ListEndpoint<typeof noParams, typeof sessionSchema>;
  "GET /user/two_factor": Endpoint<typeof noParams, typeof twoFactorSchema>;
  "GET /users": ListEndpoint<typeof userListParams, typeof visibleUserSchema>;
  "GET /users/:id": Endpoint<typeof userParams, typeof visibleUserSchema>;
  "GET /users/:id/events": ListEndpoint<typeof eventListParams, typeof eventSchema>;
  "GET /users/:id/keys": ListEndpoint<typeof userKeyListParams, typeof sshKeySchema>;
  "GET /users/:id/keys/:key_id": Endpoint<typeof userKeyParams, typeof sshKeySchema>;
  "GET /users/:user_id/projects": ListEndpoint<typeof userProjectListParams, typeof listedProjectSchema>;
  "GET /version": Endpoint<typeof noParams, typeof versionSchema>;
  "PATCH /credentials/:id": Endpoint<typeof credentialChangeParams, typeof credentialSchema>;
  "PATCH /projects/:id/mirrors/:mirror_id": Endpoint<typeof mirrorChangeParams, typeof mirrorSchema>;
  "PATCH /projects/:id/protected_branches/:name": Endpoint<
    typeof protectedBranchChangeParams,
    typeof protectedBranchSchema
  >;
  "PATCH /users/:id/disable_two_factor": Endpoint<typeof twoFactorDisableParams, null>;
  "POST /application/secrets/rotate": Endpoint<typeof secretsRotateParams, typeof secretsRotatedSchema>;
  "POST /credentials": Endpoint<typeof newCredentialParams, typeof credentialSchema>;
  "POST /credentials/:id/rotate": Endpoint<typeof credentialRotationParams, typeof credentialSchema>;
  "POST /credentials/:id/test": Endpoint<typeof credentialTestParams, typeof connectionReportSchema>;
  "POST /groups": Endpoint<typeof newGroupParams, typeof groupSchema>;
  "POST /groups/:id/access_tokens": Endpoint<
    typeof newResourceTokenParams,
    typeof createdResourceTokenSchema
  >;
  "POST /groups/:id/access_tokens/:token_id/rotate": Endpoint<
    typeof resourceTokenRotationParams,
    typeof createdResourceTokenSchema
  >;
  "POST /groups/:id/access_tokens/self/rotate": Endpoint<
    typeof ownResourceTokenRotationParams,
    typeof createdResourceTokenSchema
  >;
  "POST /groups/:id/members": Endpoint<typeof newMemberParams, typeof addedMembersSchema>;
  "POST /groups/:id/projects/:project_id": Endpoint<typeof projectIntoGroupParams, typeof groupSchema>;
  "POST /mirrors/resume": Endpoint<typeof resumeMirrorsParams, typeof resumedMirrorsSchema>;
  "POST /personal_access_tokens/:id/rotate": Endpoint<
    typeof accessTokenRotationParams,
    typeof createdAccessTokenSchema
  >;
  "POST /personal_access_tokens/self/rotate": Endpoint<
    typeof tokenRotationParams,
    typeof createdAccessTokenSchema
  >;
  "POST /projects": Endpoint<typeof newProjectParams, typeof projectSchema>;
  "POST /projects/:id/access_tokens": Endpoint<
    typeof newResourceTokenParams,
    typeof createdResourceTokenSchema
  >;
  "POST /projects/:id/access_tokens/:token_id/rotate": Endpoint<
    typeof resourceTokenRotationParams,
    typeof createdResourceTokenSchema
  >;
  "POST /projects/:id/access_tokens/self/rotate": Endpoint<
    typeof ownResourceTokenRotationParams,
    typeof createdResourceTokenSchema
  >;
  "POST /projects/:id/archive": Endpoint<typeof projectParams, typeof projectSchema>;
  "POST /projects/:id/deploy_keys": Endpoint<typeof newDeployKeyParams, typeof projectDeployKeySchema>;
  "POST /projects/:id/deploy_keys/:key_id/enable": Endpoint<
    typeof deployKeyParams,
    typeof projectDeployKeySchema
  >;
  "POST /projects/:id/hooks": Endpoint<typeof newHookParams, typeof hookSchema>;
  "POST /projects/:id/hooks/:hook_id/events/:hook_event_id/resend": Endpoint<
    typeof hookEventParams,
    typeof hookResendSchema
  >;
  "POST /projects/:id/hooks/:hook_id/test/:trigger": Endpoint<typeof hookTestParams, typeof messageSchema>;
  "POST /projects/:id/members": Endpoint<typeof newMemberParams, typeof addedMembersSchema>;
  "POST /projects/:id/mirror/pull": Endpoint<typeof pullMirrorStartParams, typeof pullMirrorTriggerSchema>;
  "POST /projects/:id/mirrors": Endpoint<typeof newMirrorParams, typeof mirrorSchema>;
  "POST /projects/:id/mirrors/:mirror_id/cancel": Endpoint<typeof mirrorParams, typeof messageSchema>;
  "POST /projects/:id/mirrors/:mirror_id/hook_secret": Endpoint<
    typeof newHookSecretParams,
    typeof hookSecretSchema
  >;
  "POST /projects/:id/mirrors/:mirror_id/host_keys/accept": Endpoint<
    typeof hostKeyAcceptanceParams,
    typeof mirrorSchema
  >;
  "POST /projects/:id/mirrors/:mirror_id/preview": Endpoint<
    typeof mirrorPreviewParams,
    typeof mirrorPreviewSchema
  >;
  "POST /projects/:id/mirrors/:mirror_id/sync": Endpoint<typeof mirrorSyncParams, typeof mirrorStartSchema>;
  "POST /projects/:id/mirrors/:mirror_id/test": Endpoint<typeof mirrorParams, typeof connectionReportSchema>;
  "POST /projects/:id/mirrors/:mirror_id/trigger": Endpoint<
    typeof mirrorParams,
    typeof mirrorStartSchema | typeof mirrorHookHeardSchema
  >;
  "POST /projects/:id/mirrors/:mirror_id/trigger_tokens": Endpoint<
    typeof newTriggerTokenParams,
    typeof createdTriggerTokenSchema
  >;
  "POST /projects/:id/mirrors/test": Endpoint<typeof newMirrorTestParams, typeof connectionReportSchema>;
  "POST /projects/:id/pipeline_triggers": Endpoint<
    typeof newPipelineTriggerParams,
    typeof pipelineTriggerSchema
  >;
  "POST /projects/:id/pipeline_triggers/:trigger_id/test": Endpoint<
    typeof pipelineTriggerTestParams,
    typeof pipelineDeliverySchema
  >;
  "POST /projects/:id/protected_branches": Endpoint<
    typeof newProtectedBranchParams,
    typeof protectedBranchSchema
  >;
  "POST /projects/:id/protected_tags": Endpoint<typeof newProtectedTagParams, typeof protectedTagSchema>;
  "POST /projects/:id/remote_mirrors": Endpoint<typeof newRemoteMirrorParams, typeof remoteMirrorSchema>;
  "POST /projects/:id/remote_mirrors/:mirror_id": Endpoint<
    typeof remoteMirrorChangeParams,
    typeof remoteMirrorSchema
  >;
  "POST /projects/:id/remote_mirrors/:mirror_id/sync": Endpoint<typeof remoteMirrorParams, null>;
  "POST /projects/:id/repository/branches": Endpoint<typeof newBranchParams, typeof branchSchema>;
  "POST /projects/:id/repository/tags": Endpoint<typeof newTagParams, typeof tagSchema>;
  "POST /projects/:id/unarchive": Endpoint<typeof projectParams, typeof projectSchema>;
  "POST /projects/user/:user_id": Endpoint<typeof newUserProjectParams, typeof projectSchema>;
  "POST /user/keys": Endpoint<typeof newOwnKeyParams, typeof sshKeySchema>;
  "POST /user/personal_access_tokens": Endpoint<typeof newAccessTokenParams, typeof createdAccessTokenSchema>;
  "POST /user/two_factor": Endpoint<typeof twoFactorBeginParams, typeof twoFactorSecretSchema>;
  "POST /user/two_factor/confirm": Endpoint<typeof twoFactorConfirmParams, typeof recoveryCodesSchema>;
  "POST /user/two_factor/recovery_codes": Endpoint<typeof twoFactorProofParams, typeof recoveryCodesSchema>;
  "POST /users": Endpoint<typeof newUserParams, typeof fullUserSchema>;
  "POST /users/:id/block": Endpoint<typeof userParams, typeof trueSchema>;
  "POST /users/:id/keys": Endpoint<typeof newUserKeyParams, typeof sshKeySchema>;
  "POST /users/:id/personal_access_tokens": Endpoint<
    typeof newUserAccessTokenParams,
    typeof createdAccessTokenSchema
  >;
  "POST /users/:id/unblock": Endpoint<typeof userParams, typeof trueSchema>;
  "PUT /application/settings": Endpoint<typeof applicationSettingsParams, typeof applicationSettingsSchema>;
  "PUT /credentials/:id": Endpoint<typeof credentialChangeParams, typeof credentialSchema>;
  "PUT /groups/:id": Endpoint<typeof groupChangeParams, typeof groupSchema>;
  "PUT /groups/:id/members/:user_id": Endpoint<typeof memberChangeParams, typeof memberSchema>;
  "PUT /projects/:id": Endpoint<typeof projectChangeParams, typeof projectSchema>;
  "PUT /projects/:id/deploy_keys/:key_id": Endpoint<
    typeof deployKeyChangeParams,
    typeof projectDeployKeySchema
  >;
  "PUT /projects/:id/hooks/:hook_id": Endpoint<typeof hookChangeParams, typeof hookSchema>;
  "PUT /projects/:id/hooks/:hook_id/custom_headers/:key": Endpoint<typeof hookPairValueParams, null>;
  "PUT /projects/:id/hooks/:hook_id/url_variables/:key": Endpoint<typeof hookPairValueParams, null>;
  "PUT /projects/:id/members/:user_id": Endpoint<typeof memberChangeParams, typeof memberSchema>;
  "PUT /projects/:id/mirror/pull": Endpoint<typeof pullMirrorSettingsParams, typeof pullMirrorSchema>;
  "PUT /projects/:id/mirrors/:mirror_id": Endpoint<typeof mirrorChangeParams, typeof mirrorSchema>;
  "PUT /projects/:id/pipeline_triggers/:trigger_id": Endpoint<
    typeof pipelineTriggerChangeParams,
    typeof pipelineTriggerSchema
  >;
  "PUT /projects/:id/remote_mirrors/:mirror_id": Endpoint<
    typeof remoteMirrorChangeParams,
    typeof remoteMirrorSchema
  >;
  "PUT /projects/:id/transfer": Endpoint<typeof projectTransferParams, typeof projectSchema>;
  "PUT /user/password": Endpoint<typeof ownPasswordParams, null>;
  "PUT /users/:id": Endpoint<typeof userChangeParams, typeof fullUserSchema>;
  "PUT /users/:id/password": Endpoint<typeof userPasswordParams, null>;
}
