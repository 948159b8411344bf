import { credentialSchema } from "@heliostat/contract/api/credentials.ts";
import { HeliostatError } from "../../../domain/errors.ts";
import type { ApiClient } from "../../connection/api-client.ts";

/** The id of a credential by its id or name; `parameter-invalid` when several have the name. */
export async function findCredentialId(api: ApiClient, name: string): Promise<number> {
  if (/^\d{1,10}$/.test(name)) return Number(name);
  const answers = await api.list(`/credentials?search=${encodeURIComponent(name)}`);
  const named = credentialSchema
    .array()
    .parse(answers)
    .filter((each) => each.name.toLowerCase() === name.toLowerCase());
  const [one, ...others] = named;
  if (!one) throw new HeliostatError("not-found", `There is no credential "${name}" that you may see.`);
  if (others.length === 0) return one.id;
  const list = named.map(({ id, namespace }) => `${id} (of ${namespace.full_path})`).join(", ");
  throw new HeliostatError("parameter-invalid", `Several credentials have this name, take an id: ${list}`);
}
