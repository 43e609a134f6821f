import { expect, test } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../test/support/temp-dir.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import { systemClock } from "../clock.ts";
import { watchModules } from "./watch.ts";

test("a burst of writes to a module or to what it may import is one change", async () => {
  using folder = tempDir();
  const path = (name: string): string => join(folder.path, name);
  for (const name of ["lib", "node_modules"]) mkdirSync(path(name));
  writeFileSync(path("a.ts"), "1");
  const seen: string[] = [];
  const stop = watchModules([path("a.ts")], systemClock, (file) => seen.push(file));
  try {
    for (const text of ["2", "3", "4"]) writeFileSync(path("a.ts"), text);
    await waitUntil("the first change", () => seen.length === 1);
    expect(seen).toEqual([path("a.ts")]);

    // Neither of these is a change; the rename after them is, the way editors save.
    writeFileSync(path("notes.txt"), "x");
    writeFileSync(path("node_modules/b.ts"), "x");
    writeFileSync(path("lib/.c.swp"), "x");
    renameSync(path("lib/.c.swp"), path("lib/c.ts"));
    await waitUntil("the second change", () => seen.length === 2);
    expect(seen[1]).toBe(path("lib/c.ts"));

    mkdirSync(path("more"));
    let written = 0;
    await waitUntil("a change in a new folder", () => {
      written += 1;
      writeFileSync(path("more/d.ts"), String(written));
      return seen.at(-1) === path("more/d.ts");
    });
  } finally {
    stop();
  }
});
