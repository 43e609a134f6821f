/** One measured case; numbers are medians over the rounds. */
export interface Row {
  readonly name: string;
  readonly figures: Readonly<Record<string, number | string>>;
}

/** What one workload has measured, with what its figures mean. */
export interface Report {
  readonly workload: string;
  readonly settings: string;
  readonly rows: readonly Row[];
}

/** The middle one of some values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (lower + upper) / 2;
}

/** A number with as many digits as it is worth. */
function shown(value: number | string): string {
  if (typeof value === "string") return value;
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3);
}

/** A report as a table of plain text, that is also a table of Markdown. */
export function formatReport({ workload, settings, rows }: Report): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  const lines = rows.map(({ name, figures }) => [
    name,
    ...columns.map((column) => shown(figures[column] ?? "")),
  ]);
  const table = [["case", ...columns], ...lines];
  const widths = table[0]?.map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0)));
  const text = (line: readonly string[]): string =>
    `| ${line.map((cell, at) => (at === 0 ? cell.padEnd(widths?.[at] ?? 0) : cell.padStart(widths?.[at] ?? 0))).join(" | ")} |`;
  const rule = `|${(widths ?? []).map((width, at) => (at === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [head = [], ...body] = table;
  return [`### ${workload}`, "", settings, "", text(head), rule, ...body.map(text), ""].join("\n");
}
