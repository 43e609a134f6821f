import { describe, expect, test } from "bun:test";
import { checkContractIsTypes, checkLayers, findCycles } from "./layer-rules.ts";
import { isTest, readTree, report, sourceFile } from "./source-file.ts";

const messages = (path: string, text: string): string[] =>
  checkLayers(sourceFile(path, text)).map(({ message }) => message);

describe("the tree", () => {
  const tree = readTree();

  test("is read", () => {
    expect(tree.map(({ path }) => path)).toContain("src/domain/error.ts");
  });
  test("imports downwards only, and only the packages of its layer", () => {
    expect(report(tree.flatMap(checkLayers))).toEqual([]);
  });
  test("keeps the contract free of values", () => {
    expect(report(tree.flatMap(checkContractIsTypes))).toEqual([]);
  });
  test("has no cycle of value imports", () => {
    expect(report(findCycles(tree.filter(({ path }) => !isTest(path))))).toEqual([]);
  });
});

describe("a planted violation is caught", () => {
  test.each([
    ["src/core/turn.ts", 'import { Router } from "../node/router.ts";', "src/node/router.ts"],
    ["src/core/turn.ts", 'import type { Router } from "../node/router.ts";', "src/node/router.ts"],
    ["src/core/turn.ts", 'export * from "../edge/http.ts";', "src/edge/http.ts"],
    ["src/core/turn.ts", 'import fs from "node:fs";', "node:fs"],
    ["src/core/turn.ts", 'export const x = () => import("node:fs");', "node:fs"],
    [
      "src/kernel/a.ts",
      'import {\n  a,\n  b,\n} from "../platform/clock.ts";',
      "src/platform/clock.ts",
    ],
    ["src/edge/a.ts", 'import "../platform/clock.ts";', "src/platform/clock.ts"],
    ["src/edge/a.ts", 'import { z } from "zod";', "zod"],
    ["src/platform/a.ts", 'import { Router } from "../node/router.ts";', "src/node/router.ts"],
    ["src/node/a.ts", 'import { readFile } from "node:fs/promises";', "node:fs/promises"],
    ["src/lost/a.ts", "export const a = 1;", '"lost" is no layer'],
    [
      "plugins/statestores/sqlite/a.ts",
      'import { x } from "../../balancers/random/plugin.ts";',
      "another family",
    ],
    [
      "plugins/statestores/sqlite/a.ts",
      'import { x } from "../../../src/contract/statestore.ts";',
      "import type",
    ],
    ["plugins/statestores/sqlite/a.ts", 'import mysql from "mysql2";', "mysql2"],
    ["src/core/turn.test.ts", 'import { Router } from "../node/router.ts";', "src/node/router.ts"],
    ["examples/counter.ts", 'import { x } from "../src/node/router.ts";', "src/node/router.ts"],
  ])("%s: %s", (path, text, named) => {
    const found = messages(path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(named);
  });

  test("the message says what is allowed", () => {
    const [message] = messages("src/kernel/a.ts", 'import { a } from "../core/a.ts";');
    expect(message).toContain("it may import: std, domain, contract");
  });

  test.each([
    ["src/platform/a.ts", 'import type { Clock } from "../node/ports.ts";'],
    ["src/core/turn.ts", 'import { assert } from "../std/assert.ts";'],
    ["src/core/turn.ts", '// import { Router } from "../node/router.ts";'],
    ["src/core/turn.ts", 'export const text = `\nimport x from "../node/router.ts";`;'],
    [
      "plugins/statestores/sqlite/a.ts",
      'import type { Statestore } from "../../../src/contract/statestore.ts";',
    ],
    ["src/main/main.ts", 'import { sqlite } from "../../plugins/statestores/sqlite/plugin.ts";'],
  ])("and what is allowed is not: %s: %s", (path, text) => {
    expect(messages(path, text)).toEqual([]);
  });

  test("a cycle of value imports, but not one that types close", () => {
    const a = sourceFile("src/core/a.ts", 'import { b } from "./b.ts";');
    const b = sourceFile("src/core/b.ts", 'import { a } from "./a.ts";');
    const typed = sourceFile("src/core/b.ts", 'import type { a } from "./a.ts";');
    expect(findCycles([a, b])[0]?.message).toContain(
      "src/core/a.ts → src/core/b.ts → src/core/a.ts",
    );
    expect(findCycles([a, typed])).toEqual([]);
  });

  test("a value in the contract", () => {
    const value = sourceFile("src/contract/a.ts", "export const a = 1;");
    const type = sourceFile("src/contract/a.ts", "export interface A {\n  readonly a: 1;\n}");
    expect(checkContractIsTypes(value)).toHaveLength(1);
    expect(checkContractIsTypes(type)).toEqual([]);
  });
});
