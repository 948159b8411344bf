import { type SecretsRotatedAnswer, secretsRotatedSchema } from "@heliostat/contract/api/secrets.ts";
import { type CommonFlags, connect } from "../../connection/api-access.ts";
import { SECRET_NAMES } from "./secret-names.ts";

/** `heliostat admin rotate-secrets`. Exit code 1: some secrets are damaged or their key is lost, and were left. */
export async function rotateSecrets(flags: CommonFlags & { removeOldKeys?: boolean }): Promise<number> {
  const api = await connect(flags);
  const parameters = { remove_old_keys: flags.removeOldKeys ?? false };
  const answer = secretsRotatedSchema.parse(
    await api.call("POST", "/application/secrets/rotate", parameters),
  );
  const lost = answer.keys.filter(({ known }) => !known);
  const exitCode = lost.length === 0 && answer.unreadable.length === 0 ? 0 : 1;
  if (flags.json) {
    console.log(JSON.stringify(answer, null, 2));
    return exitCode;
  }
  console.log(`The key is ${answer.key} now. Sealed with it: ${answer.sealed} ${plural(answer.sealed)}.`);
  if (answer.removed.length > 0) console.log(`Old keys removed: ${answer.removed.join(", ")}.`);
  const kept = answer.keys.filter(({ known, current }) => known && !current).length;
  if (kept > 0) {
    console.log(
      `Old keys kept in the secrets file: ${kept}. Older backups of the database need them; --remove-old-keys takes them away.`,
    );
  }
  console.log("Back the secrets file up now.");
  for (const { id, secrets } of lost) {
    console.log(
      `Left as they are: ${secrets} ${plural(secrets)} sealed with the lost key ${id}. "heliostat doctor" lists whose.`,
    );
  }
  for (const secret of answer.unreadable) {
    const { kind, username } = secret;
    if (username !== null) {
      console.log(
        `Left as it is: the ${SECRET_NAMES[kind]} of ${username} is damaged. Take it away with "heliostat admin disable-two-factor ${username}".`,
      );
      continue;
    }
    console.log(`Left as it is: the ${SECRET_NAMES[kind]} of ${ownerOf(secret)} is damaged. Give it again.`);
  }
  return exitCode;
}

function ownerOf(secret: SecretsRotatedAnswer["unreadable"][number]): string {
  if (secret.mirror_id !== null) return `mirror ${secret.mirror_id}`;
  if (secret.hook_id !== null) return `webhook ${secret.hook_id}`;
  if (secret.pipeline_trigger_id !== null) return `pipeline trigger ${secret.pipeline_trigger_id}`;
  return `credential ${secret.credential_id}`;
}

function plural(count: number): string {
  return count === 1 ? "secret" : "secrets";
}
