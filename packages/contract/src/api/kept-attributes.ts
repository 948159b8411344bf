import { z } from "zod";
import { optionalFlag, optionalInteger, optionalText, optionalWord } from "./parameters.ts";

/**
 * Attributes of a project in GitLab that mean nothing here. They are kept and given back as they were set: a client such
 * as Terraform compares what it reads with what it wrote, and would write it again for ever. What nobody set reads as
 * switched off.
 */

const FLAGS = [
  "allow_merge_on_skipped_pipeline",
  "allow_pipeline_trigger_approve_deployment",
  "auto_devops_enabled",
  "auto_duo_code_review_enabled",
  "autoclose_referenced_issues",
  "ci_allow_fork_pipelines_to_run_in_parent_project",
  "ci_forward_deployment_enabled",
  "ci_forward_deployment_rollback_allowed",
  "ci_push_repository_for_job_token_allowed",
  "ci_separated_caches",
  "container_registry_enabled",
  "emails_enabled",
  "enforce_auth_checks_on_uploads",
  "group_runners_enabled",
  "issues_enabled",
  "jobs_enabled",
  "keep_latest_artifact",
  "lfs_enabled",
  "merge_pipelines_enabled",
  "merge_requests_enabled",
  "merge_trains_enabled",
  "merge_trains_skip_train_allowed",
  "mr_default_target_self",
  "only_allow_merge_if_all_discussions_are_resolved",
  "only_allow_merge_if_all_status_checks_passed",
  "only_allow_merge_if_pipeline_succeeds",
  "packages_enabled",
  "pre_receive_secret_detection_enabled",
  "prevent_merge_without_jira_issue",
  "printing_merge_request_link_enabled",
  "public_jobs",
  "remove_source_branch_after_merge",
  "request_access_enabled",
  "resolve_outdated_diff_discussions",
  "restrict_user_defined_variables",
  "service_desk_enabled",
  "shared_runners_enabled",
  "show_default_award_emojis",
  "snippets_enabled",
  "warn_about_potentially_unwanted_characters",
  "wiki_enabled",
] as const;

const FEATURES = [
  "analytics_access_level",
  "builds_access_level",
  "container_registry_access_level",
  "environments_access_level",
  "feature_flags_access_level",
  "forking_access_level",
  "infrastructure_access_level",
  "issues_access_level",
  "merge_requests_access_level",
  "model_experiments_access_level",
  "model_registry_access_level",
  "monitor_access_level",
  "package_registry_access_level",
  "pages_access_level",
  "releases_access_level",
  "requirements_access_level",
  "security_and_compliance_access_level",
  "snippets_access_level",
  "wiki_access_level",
] as const;

const TEXTS = [
  "auto_cancel_pending_pipelines",
  "auto_devops_deploy_strategy",
  "build_git_strategy",
  "ci_config_path",
  "ci_pipeline_variables_minimum_override_role",
  "ci_restrict_pipeline_cancellation_role",
  "external_authorization_classification_label",
  "issue_branch_template",
  "issues_template",
  "merge_commit_template",
  "merge_requests_template",
  "repository_storage",
  "squash_commit_template",
  "suggestion_commit_message",
] as const;

const NUMBERS = [
  "approvals_before_merge",
  "build_timeout",
  "ci_default_git_depth",
  "ci_delete_pipelines_in_seconds",
] as const;

const LEVELS = ["disabled", "private", "enabled", "public"] as const;
const MERGE_METHODS = ["merge", "rebase_merge", "ff"] as const;
const SQUASH_OPTIONS = ["never", "always", "default_on", "default_off"] as const;

/** Longer than any template of GitLab's may be. */
const keptText = optionalText.refine((value) => (value ?? "").length <= 10_000, { error: "is too long" });

function each<const N extends string, V>(names: readonly N[], value: V): Readonly<Record<N, V>> {
  return Object.fromEntries(names.map((name) => [name, value])) as Readonly<Record<N, V>>;
}

export const keptAttributeParams = {
  ...each(FLAGS, optionalFlag),
  ...each(FEATURES, optionalWord(LEVELS)),
  repository_access_level: optionalWord(LEVELS),
  ...each(TEXTS, keptText),
  ...each(NUMBERS, optionalInteger),
  merge_method: optionalWord(MERGE_METHODS),
  squash_option: optionalWord(SQUASH_OPTIONS),
} as const;

export const keptAttributesSchema = z.object({
  ...each(FLAGS, z.boolean()),
  ...each(FEATURES, z.enum(LEVELS)),
  repository_access_level: z.enum(LEVELS),
  ...each(TEXTS, z.string().nullable()),
  ...each(NUMBERS, z.int().nullable()),
  merge_method: z.enum(MERGE_METHODS),
  squash_option: z.enum(SQUASH_OPTIONS),
});
export type KeptAttributes = z.infer<typeof keptAttributesSchema>;

/** What reads where nobody set anything. The repository is there: a client leaves a project alone where it is not. */
export const UNSET_ATTRIBUTES: KeptAttributes = {
  ...each(FLAGS, false),
  ...each(FEATURES, "disabled" as const),
  repository_access_level: "enabled",
  ...each(TEXTS, null),
  ...each(NUMBERS, null),
  merge_method: "merge",
  squash_option: "default_off",
};
