import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** Puts `parts/head.html` where a page says `<!-- part: head -->`, before Vite looks at what the page links to. */
const parts: Plugin = {
  name: "parts",
  transformIndexHtml: {
    order: "pre",
    handler: (page) => page.replace(/<!-- part: ([a-z-]+) -->/g, (_, name) => readPart(name)),
  },
};

/** The start page, the mirrors that need somebody, and where people sign in. */
export default defineConfig({
  plugins: [parts],
  build: { rolldownOptions: { input: ["index.html", "mirrors.html", "sign-in.html", "account.html"] } },
});

function readPart(name: string): string {
  return readFileSync(fileURLToPath(new URL(`parts/${name}.html`, import.meta.url)), "utf8").trimEnd();
}
