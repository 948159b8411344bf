import { writeFile } from "node:fs/promises";
import { renderConfigurationPage } from "../packages/server/src/config/configuration-page.ts";

await writeFile(new URL("../docs/configuration.md", import.meta.url), renderConfigurationPage());
