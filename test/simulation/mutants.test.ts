import { describe, expect, test } from "bun:test";
import { hunt, MUTANTS } from "./mutants.ts";

const SEEDS = 200;

describe("a simulation that finds nothing would be worth nothing: it catches", () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s",
    async (_, mutant) => {
      const { seed } = await hunt(mutant, SEEDS);
      expect(seed).toBeDefined();
    },
    120_000,
  );
});
