import { describe, expect, test } from "bun:test";
import { checkBans, checkWords } from "./ban-list.ts";
import {
  checkDefaultExport,
  checkFileName,
  checkFunctionLength,
  checkLength,
  checkModuleState,
  checkTestsAssert,
  checkVocabulary,
} from "./shape-rules.ts";
import {
  readTexts,
  readTree,
  report,
  type SourceFile,
  sourceFile,
  type Violation,
} from "./source-file.ts";
import { checkPluginFolders, findDeadFiles } from "./tree-rules.ts";

type Rule = (file: SourceFile) => Violation[];

/** The rules and their tests must name what they forbid. */
const isRule = ({ path }: SourceFile): boolean =>
  path === "test/architecture/ban-list.ts" || path === "test/architecture/tidy.test.ts";

const check = (rule: Rule, path: string, text: string): string[] =>
  report(rule(sourceFile(path, text)));

describe("the tree", () => {
  const texts = readTexts().filter((file) => !isRule(file));
  const tree = readTree();
  const rules: Readonly<Record<string, Rule>> = {
    "files have at most 400 lines": checkLength,
    "functions have at most 70 lines": checkFunctionLength,
    "file names are kebab-case and say something": checkFileName,
    "type and file names keep to the vocabulary": checkVocabulary,
    "default exports exist only for loaders": checkDefaultExport,
    "nothing is kept at module level": checkModuleState,
    "every test asserts": checkTestsAssert,
  };
  for (const [name, rule] of Object.entries(rules)) {
    test(name, () => {
      expect(report(tree.flatMap(rule))).toEqual([]);
    });
  }
  test("uses nothing of the ban list", () => {
    expect(report(tree.filter((file) => !isRule(file)).flatMap(checkBans))).toEqual([]);
  });
  test("speaks of the product alone", () => {
    expect(texts.length).toBeGreaterThan(tree.length);
    expect(report(texts.flatMap(checkWords))).toEqual([]);
  });
  test("has no dead file", () => {
    expect(report(findDeadFiles(tree))).toEqual([]);
  });
  test("has complete plug-in folders", () => {
    expect(report(checkPluginFolders(tree))).toEqual([]);
  });
});

describe("the ban list catches", () => {
  test.each([
    ["src/core/a.ts", "const now = Date.now();"],
    ["src/node/a.ts", "const now = new Date();"],
    ["src/edge/a.ts", "const now = performance.now();"],
    ["src/kernel/a.ts", "const x = Math.random();"],
    ["src/node/a.ts", "const x = crypto.randomUUID();"],
    ["src/node/a.ts", "setTimeout(() => undefined, 5);"],
    ["src/edge/a.ts", "setImmediate(flush);"],
    ["src/edge/a.ts", "const signal = AbortSignal.timeout(5);"],
    ["plugins/balancers/random/a.ts", "setInterval(() => undefined, 5);"],
    ["src/edge/a.ts", 'const home = process.env["HOME"];'],
    ["src/platform/a.ts", 'console.log("hello");'],
    ["src/edge/a.ts", 'const file = Bun.file("a");'],
    ["src/domain/a.ts", "export enum Colour { Red }"],
    ["src/domain/a.ts", "export const enum Colour { Red }"],
    ["src/domain/a.ts", "export namespace Colours {}"],
    ["src/domain/a.ts", "const a = b as any;"],
    ["src/core/a.test.ts", 'test.only("a", () => expect(1).toBe(1));'],
    ["src/core/a.test.ts", 'describe.skip("a", () => undefined);'],
    ["src/core/a.test.ts", 'test.todo("a");'],
    ["src/core/a.ts", "// TODO: later"],
    ["src/core/a.ts", "/* FIXME */"],
    ["test/e2e/a.test.ts", "await new Promise((resolve) => setTimeout(resolve, 100));"],
    ["test/e2e/a.test.ts", "await Bun.sleep(100);"],
    ["test/e2e/a.test.ts", "setTimeout(done, 100);"],
    ["test/e2e/server.ts", "await new Promise((resolve) => setTimeout(resolve, 100));"],
    ["test/e2e/a.test.ts", 'import { setTimeout } from "node:timers/promises";'],
    ["src/core/a.ts", "// @ts-ignore\nconst a = 1;"],
    ["src/core/a.ts", "// oxlint-disable-next-line no-console"],
    ["src/core/a.ts", 'throw new Error("not implemented");'],
  ])("%s: %s", (path, text) => {
    const found = check(checkBans, path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/:\d+ .*instead: /);
  });

  test.each([
    ["src/platform/clock.ts", "export const now = (): number => performance.now();"],
    ["src/main/main.ts", "process.exitCode = 78; console.error(problem);"],
    ["src/node/a.ts", "const text = new Date(wallMs).toISOString();"],
    ["src/node/a.ts", "clock.setTimeout(1); // Date.now() would jump"],
    ["src/node/a.ts", 'const hint = "console.log(state)";'],
    ["src/edge/a.ts", "const many = company as Anything;"],
    ["src/core/a.ts", "// oxlint-disable-next-line no-bitwise -- the hash is defined on bits"],
    ["test/support/wait-until.ts", "await new Promise((resolve) => setTimeout(resolve, 10));"],
    ["test/support/real-clock.ts", "const timer = setTimeout(callback, delayMs);"],
    ["src/core/a.test.ts", "test.skipIf(absent)(name, () => expect(1).toBe(1));"],
  ])("but not %s: %s", (path, text) => {
    expect(check(checkBans, path, text)).toEqual([]);
  });

  test.each([
    "see /work/tree/file",
    "in /home/someone/troupe",
    "fetched from registry.npmjs.org",
    "closes issue #12",
    "as the brief says",
  ])("the words: %s", (text) => {
    expect(check(checkWords, "docs/A.md", text)).toHaveLength(1);
  });
});

describe("the shape rules catch", () => {
  test("a long file, at its end", () => {
    expect(check(checkLength, "src/core/a.ts", "a;\n".repeat(400))).toEqual([]);
    expect(check(checkLength, "src/core/a.ts", "a;\n".repeat(401))).toHaveLength(1);
  });

  test.each([
    ["a function", "function f(): void {\n", "}\n"],
    [
      "a method with a type",
      "class A {\n  f(a: { b: number }): Map<string, number> {\n",
      "  }\n}\n",
    ],
    ["an arrow", "const f = async (a: number): Promise<void> => {\n", "};\n"],
  ])("a long function: %s", (_, head, tail) => {
    expect(check(checkFunctionLength, "src/core/a.ts", head + "a;\n".repeat(68) + tail)).toEqual(
      [],
    );
    expect(
      check(checkFunctionLength, "src/core/a.ts", head + "a;\n".repeat(69) + tail),
    ).toHaveLength(1);
  });
  test("no long block that is no function", () => {
    const body = "  a();\n".repeat(100);
    expect(check(checkFunctionLength, "src/core/a.ts", `if (a) {\n${body}}\n`)).toEqual([]);
    expect(check(checkFunctionLength, "src/core/a.ts", `class A {\n${body}}\n`)).toEqual([]);
  });

  test.each([
    "src/core/ActorTable.ts",
    "src/core/actor_table.ts",
    "src/core/string-utils.ts",
    "src/common/a.ts",
  ])("the name %s", (path) => {
    expect(check(checkFileName, path, "")).toHaveLength(1);
  });
  test("no good name", () => {
    expect(check(checkFileName, "src/core/actor-table.test.ts", "")).toEqual([]);
    expect(check(checkFileName, "src/platform/sqlite.worker.ts", "")).toEqual([]);
  });

  test("words of other systems", () => {
    expect(check(checkVocabulary, "src/core/a.ts", "export interface GrainState {}")).toHaveLength(
      1,
    );
    expect(check(checkVocabulary, "src/core/job-queue.ts", "")).toHaveLength(1);
    expect(check(checkVocabulary, "src/core/a.ts", "import { TracerProvider } from x;")).toEqual(
      [],
    );
  });

  test("default exports", () => {
    expect(check(checkDefaultExport, "src/core/a.ts", "export default 1;")).toHaveLength(1);
    expect(check(checkDefaultExport, "src/core/a.ts", "export { a as default };")).toHaveLength(1);
    expect(
      check(checkDefaultExport, "plugins/acl/allow-all/plugin.ts", "export default p;"),
    ).toEqual([]);
  });

  test.each([
    "let count = 0;",
    "export let count = 0;",
    "const cache = new Map<string, number>();",
    "const cache: Map<string, number> = new Map();",
    "const seen: string[] = [];",
    "const seen = [];",
    "const state = { count: 0 };",
    "const byName: Record<string, number> = {\n  a: 1,\n};",
    "const router = new Router();",
  ])("module state: %s", (text) => {
    expect(check(checkModuleState, "src/node/a.ts", text)).toHaveLength(1);
  });

  test.each([
    "const names: ReadonlySet<string> = new Set(['a']);",
    "const byName: Readonly<Record<string, number>> = {\n  a: 1,\n};",
    "const names = ['a'] as const;",
    "const rows = [\n  { a: 1 },\n] as const satisfies readonly Row[];",
    "const none: readonly string[] = [];",
    "const encoder = new TextEncoder();",
    "const EMPTY: StringMap = Object.freeze({});",
    "export const NEVER: CallSignal = { aborted: false };",
    "const add = (a: number, b = 2): number => {\n  let sum = a;\n  return sum + b;\n};",
    "function f(): void {\n  let a = 1;\n}",
    "const pattern = /a/g;",
  ])("no constant: %s", (text) => {
    expect(check(checkModuleState, "src/node/a.ts", text)).toEqual([]);
  });

  test("tests that cannot fail", () => {
    expect(
      check(checkTestsAssert, "a.test.ts", 'test("a", () => {\n  run();\n});\nexpect(1);'),
    ).toHaveLength(1);
    expect(
      check(checkTestsAssert, "a.test.ts", 'test("a", () => {\n  expect(run()).toBe(1);\n});'),
    ).toEqual([]);
    expect(
      check(
        checkTestsAssert,
        "a.test.ts",
        'test.each([1])("a", (a) => {\n  expect(a).toBe(1);\n});',
      ),
    ).toEqual([]);
  });
});

describe("the rules over the whole tree catch", () => {
  test("a file that only its test imports", () => {
    const product = sourceFile("src/core/a.ts", "export const a = 1;");
    const ownTest = sourceFile("src/core/a.test.ts", 'import { a } from "./a.ts";');
    const user = sourceFile("src/main/main.ts", 'import { a } from "../core/a.ts";');
    expect(report(findDeadFiles([product, ownTest]))).toHaveLength(1);
    expect(report(findDeadFiles([product, ownTest, user]))).toEqual([]);
  });

  test("a worker that nobody starts", () => {
    const worker = sourceFile("src/platform/a.worker.ts", "");
    const starter = sourceFile(
      "src/main/main.ts",
      'new Worker(new URL("../platform/a.worker.ts", import.meta.url));',
    );
    expect(report(findDeadFiles([worker]))).toHaveLength(1);
    expect(report(findDeadFiles([worker, starter]))).toEqual([]);
  });

  test("a plug-in folder without plugin.ts, or whose tests do not call the suite", () => {
    const folder = "plugins/balancers/random";
    const suite =
      'import { balancerSuite } from "../../../test/conformance/balancer.suite.ts";\nbalancerSuite({});';
    const plugin = sourceFile(`${folder}/plugin.ts`, "");
    const withSuite = sourceFile(`${folder}/plugin.test.ts`, suite);
    const withoutSuite = sourceFile(
      `${folder}/plugin.test.ts`,
      'test("a", () => expect(1).toBe(1));',
    );
    expect(checkPluginFolders([plugin, withSuite])).toEqual([]);
    expect(checkPluginFolders([plugin, withoutSuite])).toHaveLength(1);
    expect(checkPluginFolders([withSuite])).toHaveLength(1);
  });
});
