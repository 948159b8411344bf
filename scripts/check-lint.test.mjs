import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const HEAD = `import { save, type Store } from "./save.ts";\n`;

/**
 * Rule → code that it must catch. What may be promised elsewhere is looked up by Biome's own type inference: these
 * show that it follows imports, interfaces and inferred types.
 *
 * @type {Record<string, Record<string, string>>}
 */
const VIOLATIONS = {
  "lint/nursery/noFloatingPromises": {
    "packages/server/src/app/floats.ts": `${HEAD}export function run(): void {\n  save();\n}\n`,
    "packages/server/src/app/floats-method.ts": `${HEAD}export function run(store: Store): void {\n  store.write();\n}\n`,
    "packages/server/src/app/floats-then.ts": `${HEAD}export function run(): void {\n  save().then(() => 1);\n}\n`,
    "packages/server/src/app/floats-async-arrow.ts":
      "const later = async () => 1;\nexport function run(): void {\n  later();\n}\n",
  },
  "lint/nursery/noMisusedPromises": {
    "packages/server/src/app/asks-a-promise.ts": `${HEAD}export const saved = () => (save() ? 1 : 2);\n`,
  },
  "lint/nursery/useExhaustiveSwitchCases": {
    "packages/server/src/app/forgets-a-case.ts":
      'export function nameOf(side: "left" | "right"): string {\n  switch (side) {\n    case "left":\n      return "l";\n  }\n  return "";\n}\n',
  },
  "lint/style/noProcessEnv": {
    "packages/server/src/app/reads-the-environment.ts": 'export const home = () => process.env["HOME"];\n',
  },
  "lint/style/noDefaultExport": {
    "packages/server/src/app/default-export.ts": "const a = 1;\nexport default a;\n",
  },
  "lint/suspicious/noExplicitAny": {
    "packages/server/src/app/any.ts": "export const a = (b: any) => b;\n",
  },
  "lint/style/noNonNullAssertion": {
    "packages/server/src/app/non-null.ts": "export const a = (b: string | null) => b!.length;\n",
  },
  "lint/style/useFilenamingConvention": {
    "packages/server/src/app/camelCase.ts": "export const a = 1;\n",
  },
};

/** @type {Record<string, string>} */
const ALLOWED = {
  "packages/server/src/app/save.ts":
    "export async function save(): Promise<number> {\n  return 1;\n}\n\nexport interface Store {\n  write(): Promise<void>;\n}\n",
  "packages/server/src/app/waits.ts": `${HEAD}export async function run(store: Store): Promise<void> {\n  await save();\n  void store.write();\n}\n`,
  "packages/server/src/config/settings.ts": 'export const home = () => process.env["HOME"];\n',
};

/** @type {string} */
let overlay;

before(async () => {
  overlay = await mkdtemp(join(tmpdir(), "heliostat-lint-"));
  for (const file of ["biome.json", ".gitignore", "tsconfig.json"])
    await copyFile(join(root, file), join(overlay, file));
  await write({ "package.json": JSON.stringify({ name: "overlay", type: "module" }), ...ALLOWED });
});

after(() => rm(overlay, { recursive: true, force: true }));

test("what is allowed passes, and every deliberate violation is named", async () => {
  assert.deepEqual(await findViolations(), []);
  for (const files of Object.values(VIOLATIONS)) await write(files);
  const found = await findViolations();
  for (const [rule, files] of Object.entries(VIOLATIONS)) {
    for (const file of Object.keys(files)) {
      assert.ok(
        found.some((violation) => violation.rule === rule && violation.file === file),
        `${rule} does not catch ${file}; found: ${JSON.stringify(found.filter((violation) => violation.file === file))}`,
      );
    }
  }
});

/** @param {Record<string, string>} files */
async function write(files) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(overlay, path)), { recursive: true });
    await writeFile(join(overlay, path), text);
  }
}

/** @returns {Promise<{ rule: string, file: string }[]>} */
async function findViolations() {
  const program = join(root, "node_modules", ".bin", "biome");
  const args = [program, "lint", "--reporter=json", "--max-diagnostics=none", "packages"];
  /** @type {string} */
  const output = await new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: overlay }, (error, stdout, stderr) => {
      if (stdout.startsWith("{")) resolve(stdout);
      else reject(error ?? new Error(stderr));
    });
  });
  /** @type {{ diagnostics: { category: string, location: { path: string | { file: string } } }[] }} */
  const { diagnostics } = JSON.parse(output);
  return diagnostics.map(({ category, location }) => ({
    rule: category,
    file: typeof location.path === "string" ? location.path : location.path.file,
  }));
}
