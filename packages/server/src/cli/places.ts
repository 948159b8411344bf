import { fileURLToPath } from "node:url";

/** The checkout that this program runs from: data and the built UI stand in it unless told otherwise. */
export const CHECKOUT_DIR = fileURLToPath(new URL("../../../../", import.meta.url));

/** Where `npm start` puts the built web interface. */
export const WEB_ROOT = fileURLToPath(new URL("../../../web/dist/", import.meta.url));
