import { VARIABLE_NAMES, VARIABLES } from "./settings.ts";

/** `docs/configuration.md`: every variable, from the declaration that is read at start. */
export function renderConfigurationPage(): string {
  const rows = VARIABLE_NAMES.map((name) => {
    const { defaultText, meaning } = VARIABLES[name];
    return `| \`${name}\` | ${defaultText} | ${meaning} |`;
  });
  return `# Configuration

Heliostat is configured by environment variables, read once at its start. An empty variable counts as unset. A wrong
value, or a \`HELIOSTAT_\` variable that does not exist, ends the process with one line that names it. What is in force
is shown by \`npm run heliostat -- config\`, secrets masked. A relative path is relative to where the process starts.

What an admin changes while the server runs (\`GET\` and \`PUT /api/v4/application/settings\`) is not here.

| variable | default | meaning |
| --- | --- | --- |
${rows.join("\n")}

This page is generated: change \`packages/server/src/config/settings.ts\`, then \`npm run docs\`.
`;
}
