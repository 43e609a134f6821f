import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { runScenario } from "./scenario-file.ts";
import { TopologyScenario } from "./topology-scenario.ts";

const FOLDER = join(import.meta.dir, "topology");
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

describe("a topology", () => {
  test.each(FILES)("%s", (name) => {
    const scenario = new TopologyScenario();
    const { expected, actual } = runScenario(join(FOLDER, name), (command) =>
      scenario.perform(command),
    );
    expect(actual).toBe(expected);
  });

  test("has its scenarios", () => {
    expect(FILES.length).toBeGreaterThan(20);
  });
});
