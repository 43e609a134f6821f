import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { externalPluginFiles } from "../../../src/main/new-plugin/plugin-templates.ts";

/** A balancer as a single file; `changes` replaces members of its default export. */
export function balancerText(changes: Readonly<Record<string, string>> = {}): string {
  const members = {
    contract: '"balancer@1"',
    name: '"mine"',
    stability: '"experimental"',
    doc: '"Takes the first."',
    options: "{}",
    create: "() => ({ choose: () => 0 })",
    ...changes,
  };
  const lines = Object.entries(members).map(([name, text]) => `  ${name}: ${text},\n`);
  return `export default {\n${lines.join("")}};\n`;
}

/** Writes a plug-in into a folder that nobody else may write; answers its path. */
export function writePlugin(folder: string, text: string, name = "mine.ts"): string {
  const path = join(folder, "plugins", name);
  mkdirSync(join(folder, "plugins"), { recursive: true, mode: 0o755 });
  writeFileSync(path, text, { mode: 0o644 });
  return path;
}

/** The single file that `npm run new-plugin -- <family> <name> --out` writes. */
export function generatedPlugin(family: string, name: string): string {
  const files = externalPluginFiles(family, name);
  if (typeof files === "string") throw new Error(files);
  const [text = ""] = Object.values(files);
  return text;
}
