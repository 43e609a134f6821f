import { describe, expect, test } from "bun:test";
import { addCounts, countRun, summaryLine } from "./test-count.ts";

const report = (tests: number, failures: number, skipped: number): string =>
  `<?xml version="1.0"?>\n<testsuites name="bun test" tests="${tests}" assertions="9" ` +
  `failures="${failures}" skipped="${skipped}" time="0.1">\n</testsuites>\n`;

describe("the count of a test run", () => {
  test.each([
    ["a good run", 0, report(5, 0, 1), { passed: 4, failed: 0, skipped: 1 }],
    ["failed tests", 1, report(5, 2, 0), { passed: 3, failed: 2, skipped: 0 }],
    ["an error between tests", 1, report(5, 0, 0), { passed: 5, failed: 1, skipped: 0 }],
    ["killed by a signal", null, report(5, 0, 0), { passed: 5, failed: 1, skipped: 0 }],
    ["no report although it exited well", 0, undefined, { passed: 0, failed: 1, skipped: 0 }],
    ["half a report", 0, report(5, 0, 0).slice(0, -9), { passed: 0, failed: 1, skipped: 0 }],
    ["no report at all", 0, "hello", { passed: 0, failed: 1, skipped: 0 }],
  ])("%s", (_, exitCode, junit, count) => {
    expect(countRun(exitCode, junit)).toEqual(count);
  });

  test("is summed and printed in one line", () => {
    const sum = addCounts(
      { passed: 2, failed: 0, skipped: 0 },
      { passed: 1, failed: 1, skipped: 0 },
    );
    expect(summaryLine(sum)).toBe("3 passed, 1 failed");
    expect(summaryLine({ passed: 1, failed: 0, skipped: 2 })).toBe("1 passed, 0 failed, 2 skipped");
  });
});
