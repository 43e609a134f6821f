import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Roster } from "../../../src/core/swim/roster.ts";
import { Swim } from "../../../src/core/swim/swim.ts";
import type { Patch } from "../engine.ts";

/** The code under test: a membership core as it ships, or with a mistake made on purpose. */
export interface SwimEngine {
  readonly Swim: typeof Swim;
  readonly Roster: typeof Roster;
}

export const SWIM_ENGINE: SwimEngine = { Swim, Roster };

const ROOT = join(import.meta.dir, "..", "..", "..");

/** The core with `patches` applied, loaded from a copy of the source in `folder`. */
export async function loadPatchedSwim(
  patches: readonly Patch[],
  folder: string,
): Promise<SwimEngine> {
  for (const part of ["src/std", "src/core/swim"]) {
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
  const core: Pick<SwimEngine, "Swim"> = await import(join(folder, "src/core/swim/swim.ts"));
  const roster: Pick<SwimEngine, "Roster"> = await import(join(folder, "src/core/swim/roster.ts"));
  return { Swim: core.Swim, Roster: roster.Roster };
}
