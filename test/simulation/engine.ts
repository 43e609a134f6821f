import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";
import { Node } from "../../src/node/node.ts";

/** The code under test: a node as it ships, and the store that it stands on. */
export interface Engine {
  readonly Node: typeof Node;
  readonly MemoryStatestore: typeof MemoryStatestore;
}

export const ENGINE: Engine = { Node, MemoryStatestore };

/** One change of source text; `find` must stand in the file exactly once. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const ROOT = join(import.meta.dir, "..", "..");
const COPIED = [
  "src/std",
  "src/domain",
  "src/contract",
  "src/core",
  "src/node",
  "plugins/statestores/kit",
  "plugins/statestores/memory",
] as const;

/** The engine with `patches` applied, loaded from a copy of the source in `folder`. */
export async function loadPatched(patches: readonly Patch[], folder: string): Promise<Engine> {
  for (const part of COPIED) {
    mkdirSync(dirname(join(folder, part)), { recursive: true });
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  for (const { file, find, replace } of patches) {
    const path = join(folder, file);
    const pieces = readFileSync(path, "utf8").split(find);
    if (pieces.length !== 2) {
      throw new Error(`${file} holds this ${pieces.length - 1} times, not once: ${find}`);
    }
    writeFileSync(path, pieces.join(replace));
  }
  const node: Pick<Engine, "Node"> = await import(join(folder, "src/node/node.ts"));
  const store: Pick<Engine, "MemoryStatestore"> = await import(
    join(folder, "plugins/statestores/memory/memory-statestore.ts")
  );
  return { Node: node.Node, MemoryStatestore: store.MemoryStatestore };
}
