import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { ActivationScenario } from "./activation-scenario.ts";
import { runScenario } from "./scenario-file.ts";

const FOLDER = join(import.meta.dir, "activation");
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

describe("an activation", () => {
  test.each(FILES)("%s", (name) => {
    const scenario = new ActivationScenario();
    const { expected, actual } = runScenario(join(FOLDER, name), (command) =>
      scenario.perform(command),
    );
    expect(actual).toBe(expected);
  });

  test("has its scenarios", () => {
    expect(FILES.length).toBeGreaterThan(20);
  });
});
