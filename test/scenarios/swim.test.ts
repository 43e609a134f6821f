import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { runScenario } from "./scenario-file.ts";
import { SwimScenario } from "./swim-scenario.ts";

const FOLDER = join(import.meta.dir, "swim");
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

describe("a membership core", () => {
  test.each(FILES)("%s", (name) => {
    const scenario = new SwimScenario();
    const { expected, actual } = runScenario(join(FOLDER, name), (command) =>
      scenario.perform(command),
    );
    expect(actual).toBe(expected);
  });

  test("has its scenarios", () => {
    expect(FILES.length).toBeGreaterThan(20);
  });
});
