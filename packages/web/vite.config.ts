import { defineConfig } from "vite";

/** Two pages: the start page, and the mirrors that need somebody. */
export default defineConfig({
  build: { rolldownOptions: { input: ["index.html", "mirrors.html"] } },
});
