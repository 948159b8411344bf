import { lostSecrets } from "../../domain/used-secrets.ts";
import { requireAdmin, requireViewer } from "../access.ts";
import { INSTANCE } from "../audit/entities.ts";
import type { Ports } from "../ports.ts";
import { recordAudit } from "../record-audit.ts";
import type { SecretsState, UseCases } from "../use-cases.ts";

type SecretUseCases = Pick<UseCases, "readSecretsState" | "rotateSecrets" | "listMirrorsNeedingSecret">;

/** The keys of the secrets file: how they stand, changing them, and what is to be done when they are lost. */
export function secretUseCases(ports: Ports): SecretUseCases {
  const { secretKeys, sealedSecrets } = ports;

  async function readState(): Promise<SecretsState> {
    const counts = await sealedSecrets.countByKey();
    const current = secretKeys.current();
    const ids = [...new Set([...secretKeys.ids(), ...counts.keys()])];
    return {
      keys: ids.map((id) => ({
        id,
        isCurrent: id === current,
        isKnown: secretKeys.isKnown(id),
        secrets: counts.get(id) ?? 0,
      })),
      mirrorsNeedingSecret: await sealedSecrets.countMirrorsWithout(secretKeys.ids()),
      usersWithoutSecondFactor: await ports.secondFactors.listUsersWithout(secretKeys.ids()),
    };
  }

  return {
    async readSecretsState(principal) {
      requireAdmin(principal);
      return await readState();
    },
    async rotateSecrets(principal, { removesOldKeys }) {
      const admin = requireAdmin(principal);
      return await sealedSecrets.whileAlone(async () => {
        const old = secretKeys.ids();
        const current = await secretKeys.add();
        const { sealed, unreadable } = await sealedSecrets.sealAnew(old);
        const used = await sealedSecrets.countByKey();
        const removed = removesOldKeys ? old.filter((id) => !used.has(id)) : [];
        await secretKeys.remove(removed);
        ports.log.info(
          { username: admin.username, key: current, sealed, unreadable, removed },
          "secrets sealed with a new key",
        );
        await recordAudit(ports, principal, {
          action: "secrets-rotated",
          entity: INSTANCE,
          details: { key: current, sealed, unreadable: unreadable.length, removed_keys: removed },
        });
        return { key: current, sealed, unreadable, removed, state: await readState() };
      });
    },
    async listMirrorsNeedingSecret(principal, page) {
      const wanted = { visibleTo: requireViewer(principal), keyIds: secretKeys.ids() };
      const { items, total } = await sealedSecrets.listMirrorsWithout(wanted, page);
      return {
        items: items.map((item) => ({ ...item, lostSecrets: lostSecrets(item.mirror, secretKeys) })),
        total,
      };
    },
  };
}

/** Starts those mirrors again that stopped because the secrets file was away; answers how many. */
export async function resumeReadable(
  ports: Pick<Ports, "clock" | "log" | "mirrors" | "secretKeys" | "sealedSecrets">,
): Promise<number> {
  const ids = await ports.sealedSecrets.listMirrorsOpenAgain(ports.secretKeys.ids());
  if (ids.length === 0) return 0;
  await ports.mirrors.resume(ids, { trigger: "configured", at: ports.clock.now(), userId: null });
  ports.log.info({ mirrors: ids.length }, "their secrets can be read again: mirrors resumed");
  return ids.length;
}
