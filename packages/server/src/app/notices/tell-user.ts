import type { User } from "../../domain/user.ts";
import type { Ports } from "../ports.ts";
import { type Notice, writeNotices } from "./notice.ts";

/** What telling a user of a change of their account needs of the world. */
export type TellUserPorts = Pick<Ports, "clock" | "log" | "mails" | "settings"> & {
  readonly instance: Pick<Ports["instance"], "externalUrl">;
};

/**
 * Tells a user by mail what was changed of their account. It is in force already, so that nobody can be told of it is no
 * reason to say otherwise: nothing is thrown. Silent mode keeps it back.
 */
export async function tellUser(ports: TellUserPorts, user: User, notice: Notice): Promise<void> {
  if (ports.mails === null) return;
  const topic = {
    name: "Heliostat",
    link: ports.instance.externalUrl,
    footer: `You get this mail because your account ${user.username} was changed.`,
  };
  try {
    if ((await ports.settings.read()).silentModeEnabled) return;
    await ports.mails.put(writeNotices(topic, [user], notice), ports.clock.now());
  } catch (error) {
    ports.log.warn({ userId: user.id, err: error }, "a change of an account could not be told");
  }
}
