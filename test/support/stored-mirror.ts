import { DEFAULT_MIRROR_OPTIONS, type Mirror } from "../../packages/server/src/domain/mirror.ts";
import { parseRemoteUrl } from "../../packages/server/src/domain/remote-url.ts";

/** Any day will do for what happened once. */
const DAY = new Date("2030-01-01T00:00:00Z");

/** A push mirror of `url` as it is stored, in step, with a user name and a password of its own; but for `changes`. */
export function makeStoredMirror(url: string, changes: Partial<Omit<Mirror, "url">> = {}): Mirror {
  return {
    ...{ id: 1, projectId: 1, direction: "push", enabled: true, url: parseRemoteUrl(url).url },
    ...{ authMethod: "password", username: "robot", hasPassword: true, publicKey: null, credential: null },
    ...{ credentialExpiresAt: null, sealedSecrets: [], knownHosts: "", hostKeysVerifiedAt: null },
    ...{ hostKeysVerifiedBy: null, caCertificates: null, clientCertificate: null, urlHadUserinfo: false },
    ...{ options: DEFAULT_MIRROR_OPTIONS, userId: 7, updateStatus: "finished", lastError: null },
    ...{ lastErrorCode: null, lastUpdateAt: null, lastUpdateStartedAt: null, lastSuccessfulUpdateAt: null },
    ...{ retryCount: 0, nextCheckAt: null, requestedAt: null, appliedDigest: null, appliedGeneration: null },
    ...{ holdsRefs: false, lastChangedAt: null, toldHealth: "good", createdAt: DAY, updatedAt: DAY },
    hook: { hasSecret: false, receivedAt: null, missedCount: 0, missedAt: null },
    ...changes,
  };
}
