import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { HandoffScenario } from "./handoff-scenario.ts";
import { RelocationScenario } from "./relocation-scenario.ts";
import { runScenario } from "./scenario-file.ts";
import { TopologyScenario } from "./topology-scenario.ts";

const KINDS = [
  { folder: "topology", least: 25, made: () => new TopologyScenario() },
  { folder: "relocation", least: 16, made: () => new RelocationScenario() },
  { folder: "handoff", least: 13, made: () => new HandoffScenario() },
] as const;

for (const { folder, least, made } of KINDS) {
  const path = join(import.meta.dir, folder);
  const files = readdirSync(path).filter((name) => name.endsWith(".txt"));

  describe(folder, () => {
    test.each(files)("%s", (name) => {
      const scenario = made();
      const { expected, actual } = runScenario(join(path, name), (command) =>
        scenario.perform(command),
      );
      expect(actual).toBe(expected);
    });

    test("has its scenarios", () => {
      expect(files.length).toBeGreaterThanOrEqual(least);
    });
  });
}
