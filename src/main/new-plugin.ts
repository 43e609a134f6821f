import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  externalPluginFiles,
  pluginFiles,
  type PluginFiles,
} from "./new-plugin/plugin-templates.ts";

/**
 * Lays out a new plug-in that works as it is made:
 *
 *   npm run new-plugin -- <family> <name>               a folder of this repository, with its suite
 *   npm run new-plugin -- <family> <name> --out <dir>   one file for a server that is already compiled
 */

const ROOT = join(import.meta.dirname, "..", "..");
const USAGE = "usage: npm run new-plugin -- <family> <name> [--out <directory>]\n";
const EXIT_USAGE = 64;
const EXIT_CANNOT_CREATE = 73;

function writeFiles(root: string, files: PluginFiles): number {
  const taken = Object.keys(files).find((path) => existsSync(join(root, path)));
  if (taken !== undefined) {
    process.stderr.write(`${join(root, taken)} exists\n`);
    return EXIT_CANNOT_CREATE;
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
    process.stdout.write(`wrote ${join(root, path)}\n`);
  }
  return 0;
}

/** Writes the files and says what to do next; answers the exit code. */
function main(parameters: readonly string[]): number {
  let family: string | undefined;
  let name: string | undefined;
  let out: string | undefined;
  try {
    const parsed = parseArgs({
      args: [...parameters],
      options: { out: { type: "string" } },
      allowPositionals: true,
    });
    [family, name] = parsed.positionals;
    out = parsed.values.out;
  } catch {
    // The usage says what is understood.
  }
  if (family === undefined || name === undefined) {
    process.stderr.write(USAGE);
    return EXIT_USAGE;
  }
  const files = out === undefined ? pluginFiles(family, name) : externalPluginFiles(family, name);
  if (typeof files === "string") {
    process.stderr.write(`${files}\n`);
    return EXIT_USAGE;
  }
  const code = writeFiles(out === undefined ? ROOT : resolve(out), files);
  if (code !== 0) return code;
  const [first = ""] = Object.keys(files);
  process.stdout.write(
    out === undefined
      ? `next: node launcher.mjs bun test ${dirname(first)}\n      list it in src/main/builtins.ts\n`
      : `next: troupe check-config --plugins ${join(resolve(out), first)}\n      choose it by its name, ${name}\n`,
  );
  return 0;
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
