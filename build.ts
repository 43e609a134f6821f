import { Glob } from "bun";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/**
 * Compiles the server into one binary: `dist/troupe` for this machine, or with `--all` one
 * `dist/troupe-<platform>` for every platform that Bun compiles for. Needs neither git nor a network.
 */

const ROOT = import.meta.dir;
const CROSS_TARGETS = [
  "bun-linux-x64",
  "bun-linux-arm64",
  "bun-linux-x64-musl",
  "bun-linux-arm64-musl",
  "bun-darwin-x64",
  "bun-darwin-arm64",
  "bun-windows-x64",
] as const satisfies readonly Bun.Build.CompileTarget[];

/**
 * Workers load by URL, so the bundler does not see them; one that is not listed hangs when started.
 * In the binary every entry point lies in one folder, beside the code that starts it as in the
 * source tree: `new URL("./x.worker.ts", import.meta.url)` serves both, if no two share a name.
 */
function entryPoints(): string[] {
  const workers = ["src/**/*.worker.ts", "plugins/**/*.worker.ts"].flatMap((pattern) => [
    ...new Glob(pattern).scanSync({ cwd: ROOT }),
  ]);
  const names = workers.map((path) => basename(path));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two workers are named ${twice}`);
  return ["src/main/main.ts", ...workers.sort()].map((path) => join(ROOT, path));
}

/** The commit this tree was checked out from, read from git's own files; "unknown" without them. */
function commit(): string {
  const read = (path: string): string => readFileSync(join(ROOT, ".git", path), "utf8").trim();
  try {
    const head = read("HEAD");
    if (!head.startsWith("ref: ")) return head;
    const ref = head.slice("ref: ".length);
    if (existsSync(join(ROOT, ".git", ref))) return read(ref);
    const packed = read("packed-refs").split("\n");
    return packed.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0] ?? "unknown";
  } catch {
    return "unknown";
  }
}

async function build(outfile: string, target?: Bun.Build.CompileTarget): Promise<void> {
  const started = performance.now();
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  await Bun.build({
    entrypoints: entryPoints(),
    compile: {
      outfile: join(ROOT, "dist", outfile),
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target === undefined ? {} : { target }),
    },
    naming: { entry: "[name].[ext]" },
    format: "esm",
    bytecode: true,
    // Identifiers stay: error names and stack traces are read by people.
    minify: { whitespace: true, syntax: true, identifiers: false },
    sourcemap: "linked",
    define: {
      TROUPE_VERSION: JSON.stringify(manifest.version),
      TROUPE_COMMIT: JSON.stringify(commit()),
    },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`built dist/${outfile} in ${seconds} s\n`);
}

if (process.argv.includes("--all")) {
  for (const target of CROSS_TARGETS) await build(`troupe-${target.slice("bun-".length)}`, target);
} else {
  await build("troupe");
}
