import { defineConfig } from "vite";

/** The start page, the mirrors that need somebody, and where people sign in. */
export default defineConfig({
  build: { rolldownOptions: { input: ["index.html", "mirrors.html", "sign-in.html", "account.html"] } },
});
