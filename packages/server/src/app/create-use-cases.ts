import { authenticationUseCases } from "./accounts/authenticate.ts";
import { userUseCases } from "./accounts/users.ts";
import { apiThrottleUseCases } from "./api-throttle/count-requests.ts";
import { auditUseCases } from "./audit/read-audit-events.ts";
import { branchUseCases } from "./browsing/branches.ts";
import { commitUseCases } from "./browsing/commits.ts";
import { fileUseCases } from "./browsing/files.ts";
import { tagUseCases } from "./browsing/tags.ts";
import { credentialUseCases } from "./credentials/manage-credentials.ts";
import { eventUseCases } from "./events/list-events.ts";
import { groupUseCases } from "./groups/manage-groups.ts";
import { hookDeliveryUseCases } from "./hooks/hook-deliveries.ts";
import { manageHookUseCases } from "./hooks/manage-hooks.ts";
import { instanceUseCases } from "./instance.ts";
import { memberUseCases } from "./members/manage-members.ts";
import { metricUseCases } from "./metrics.ts";
import { mirrorHookUseCases } from "./mirror-hooks/mirror-hooks.ts";
import { mirrorChangeUseCases } from "./mirrors/change-mirrors.ts";
import { detectHostKeysUseCases } from "./mirrors/detect-host-keys.ts";
import { createHostKeyScans } from "./mirrors/host-key-scans.ts";
import { mirrorListUseCases } from "./mirrors/list-mirrors.ts";
import { mirrorInsightUseCases } from "./mirrors/mirror-insight.ts";
import { anyMirrorUseCases } from "./mirrors/mirrors-of-any-project.ts";
import { createOutboundPlaces } from "./mirrors/outbound-places.ts";
import { pausedMirrorUseCases } from "./mirrors/paused-mirrors.ts";
import { pullMirrorUseCases } from "./mirrors/pull-mirror.ts";
import { pushMirrorUseCases } from "./mirrors/push-mirrors.ts";
import { hostKeyReviewUseCases } from "./mirrors/review-host-keys.ts";
import { connectionTestUseCases } from "./mirrors/test-connections.ts";
import { updateUseCases } from "./mirrors/update-history.ts";
import { namespaceUseCases } from "./namespaces.ts";
import { openIdConnectUseCases } from "./openid-connect/openid-connect.ts";
import { pipelineUseCases } from "./pipelines/manage-pipeline-triggers.ts";
import type { Ports } from "./ports.ts";
import { changeProjectUseCases } from "./projects/change-projects.ts";
import { projectViewUseCases } from "./projects/view-project.ts";
import { protectedBranchUseCases } from "./protections/protected-branches.ts";
import { protectedTagUseCases } from "./protections/protected-tags.ts";
import { type ClientLimits, createClientQueue } from "./repositories/client-queue.ts";
import { repositoryUseCases } from "./repositories/open-repository.ts";
import { secondFactorUseCases } from "./second-factor/manage-second-factor.ts";
import { secretUseCases } from "./secrets/secret-keys.ts";
import { createPasswordCheck } from "./sign-in/check-password.ts";
import { passwordUseCases } from "./sign-in/passwords.ts";
import { sessionUseCases } from "./sign-in/sessions.ts";
import { signInUseCases } from "./sign-in/sign-in.ts";
import { sshAuthenticationUseCases } from "./ssh-keys/authenticate-ssh-key.ts";
import { deployKeyUseCases } from "./ssh-keys/deploy-keys.ts";
import { userKeyUseCases } from "./ssh-keys/user-keys.ts";
import { personalTokenUseCases } from "./tokens/personal-tokens.ts";
import { resourceTokenUseCases } from "./tokens/resource-tokens.ts";
import { triggerTokenUseCases } from "./tokens/trigger-tokens.ts";
import type { UseCases } from "./use-cases.ts";

/** All that the doors may ask for, on these ports. */
export function createUseCases(ports: Ports, limits: { readonly clients: ClientLimits }): UseCases {
  const places = createOutboundPlaces(ports.clock);
  const scans = createHostKeyScans(ports, places);
  const checkPassword = createPasswordCheck(ports);
  const clients = createClientQueue(ports.clock, limits.clients);
  return {
    ...authenticationUseCases(ports, checkPassword),
    ...signInUseCases(ports, checkPassword),
    ...sessionUseCases(ports),
    ...passwordUseCases(ports, checkPassword),
    ...instanceUseCases(ports),
    ...secretUseCases(ports),
    ...apiThrottleUseCases(ports),
    ...auditUseCases(ports),
    ...metricUseCases(ports, clients),
    ...userUseCases(ports),
    ...personalTokenUseCases(ports),
    ...resourceTokenUseCases(ports),
    ...triggerTokenUseCases(ports),
    ...mirrorHookUseCases(ports),
    ...pipelineUseCases(ports),
    ...secondFactorUseCases(ports, checkPassword),
    ...openIdConnectUseCases(ports, checkPassword),
    ...namespaceUseCases(ports),
    ...groupUseCases(ports),
    ...memberUseCases(ports),
    ...projectViewUseCases(ports),
    ...changeProjectUseCases(ports),
    ...protectedBranchUseCases(ports),
    ...protectedTagUseCases(ports),
    ...pushMirrorUseCases(ports),
    ...pullMirrorUseCases(ports),
    ...mirrorListUseCases(ports),
    ...mirrorChangeUseCases(ports),
    ...anyMirrorUseCases(ports),
    ...pausedMirrorUseCases(ports),
    ...detectHostKeysUseCases(ports, scans),
    ...hostKeyReviewUseCases(ports, scans),
    ...credentialUseCases(ports),
    ...connectionTestUseCases(ports, places),
    ...mirrorInsightUseCases(ports, places),
    ...eventUseCases(ports),
    ...manageHookUseCases(ports),
    ...hookDeliveryUseCases(ports),
    ...updateUseCases(ports),
    ...userKeyUseCases(ports),
    ...deployKeyUseCases(ports),
    ...sshAuthenticationUseCases(ports),
    ...branchUseCases(ports),
    ...tagUseCases(ports),
    ...commitUseCases(ports),
    ...fileUseCases(ports, clients),
    ...repositoryUseCases(ports, clients),
  };
}
