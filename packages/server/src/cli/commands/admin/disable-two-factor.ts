import { disableSecondFactorOnMachine } from "../../../app/second-factor/disable-on-machine.ts";
import { openAccounts } from "../../../compose/open-accounts.ts";
import { readProcessSettings } from "../../../config/settings.ts";
import { CHECKOUT_DIR } from "../../places.ts";

/** `heliostat admin disable-two-factor`. */
export async function disableTwoFactorOf(username: string): Promise<number> {
  const accounts = await openAccounts(readProcessSettings({ checkoutDir: CHECKOUT_DIR }));
  try {
    const user = await disableSecondFactorOnMachine(accounts.ports, username);
    console.log(`${user.username} signs in without a second factor now, and can set up another one.`);
    return 0;
  } finally {
    await accounts.close();
  }
}
