import { resetPassword } from "../../../app/sign-in/passwords.ts";
import { openAccounts } from "../../../compose/open-accounts.ts";
import { readProcessSettings } from "../../../config/settings.ts";
import { CHECKOUT_DIR } from "../../places.ts";
import { askNewPassword, readPassword } from "../../terminal/terminal-input.ts";

/** `heliostat admin reset-password`. The password is never an argument: everybody on the machine could read it. */
export async function resetPasswordOf(
  username: string,
  flags: { readonly passwordStdin?: boolean },
): Promise<number> {
  const settings = readProcessSettings({ checkoutDir: CHECKOUT_DIR });
  const password = flags.passwordStdin
    ? await readPassword("heliostat admin reset-password")
    : await askNewPassword(`New password of ${username}: `);
  const accounts = await openAccounts(settings);
  try {
    const user = await resetPassword(accounts.ports, username, password);
    console.log(`The password of ${user.username} is another one now. All their sessions were ended.`);
    if (user.state === "blocked") console.log("The account is blocked: an admin must unblock it before.");
    return 0;
  } finally {
    await accounts.close();
  }
}
