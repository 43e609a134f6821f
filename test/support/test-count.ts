/** What a run of tests came to. */
export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_TESTS: TestCount = { passed: 0, failed: 0, skipped: 0 };
export const ONE_PASSED: TestCount = { passed: 1, failed: 0, skipped: 0 };
export const ONE_FAILED: TestCount = { passed: 0, failed: 1, skipped: 0 };

export function addCounts(a: TestCount, b: TestCount): TestCount {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** The totals of a JUnit report, or `undefined` if the text is not one. */
function readTotals(junit: string): TestCount | undefined {
  const root = /<testsuites\s[^>]*>/.exec(junit)?.[0];
  if (root === undefined || !junit.trimEnd().endsWith("</testsuites>")) return undefined;
  const value = (name: string): number => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(root)?.[1]);
  const [tests, failed, skipped] = [value("tests"), value("failures"), value("skipped")];
  if (![tests, failed, skipped].every(Number.isInteger)) return undefined;
  return { passed: tests - failed - skipped, failed, skipped };
}

/**
 * Counts a run by its report and its exit code. A run that crashed, wrote no report, or failed
 * without a failed test (an error between tests) has one failure more.
 */
export function countRun(exitCode: number | null, junit: string | undefined): TestCount {
  const totals = junit === undefined ? undefined : readTotals(junit);
  if (totals === undefined) return ONE_FAILED;
  const isExplained = exitCode === 0 || totals.failed > 0;
  return isExplained ? totals : addCounts(totals, ONE_FAILED);
}

/** The last line of the test command: `N passed, N failed` and what was skipped, if anything was. */
export function summaryLine({ passed, failed, skipped }: TestCount): string {
  const skips = skipped === 0 ? "" : `, ${skipped} skipped`;
  return `${passed} passed, ${failed} failed${skips}`;
}
