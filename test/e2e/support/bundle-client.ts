import { join } from "node:path";
import { ROOT } from "./troupe-process.ts";

const CLIENTS = join(ROOT, "test", "e2e", "clients");

/** One file of `clients/` with all it imports, for a runtime that is not this one. */
export async function bundleClient(
  name: string,
  folder: string,
  target: "node" | "browser",
): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(CLIENTS, `${name}.ts`)],
    outdir: folder,
    naming: `[name].${target === "node" ? "mjs" : "js"}`,
    target,
    format: "esm",
  });
  const [output] = built.outputs;
  if (output === undefined) throw new Error(`${name} was not bundled`);
  return output.path;
}
