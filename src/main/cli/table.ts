const GAP = "  ";
const WIDEST_COLUMN = 60;

/** Lays out rows under a header; rows may come in several parts, the first decides the widths. */
export class Table {
  readonly #header: readonly string[];
  #widths: readonly number[] | undefined;

  constructor(header: readonly string[]) {
    this.#header = header;
  }

  /** The rows as lines, the first time with the header; no rows are no lines. */
  lines(rows: readonly (readonly string[])[]): string[] {
    if (rows.length === 0) return [];
    if (this.#widths !== undefined) return rows.map((row) => this.#line(row));
    const all = [this.#header, ...rows];
    this.#widths = this.#header.map((_, column) =>
      Math.min(WIDEST_COLUMN, Math.max(...all.map((row) => widthOf(row[column] ?? "")))),
    );
    return all.map((row) => this.#line(row));
  }

  #line(row: readonly string[]): string {
    return row
      .map((cell, column) => {
        const width = this.#widths?.[column] ?? 0;
        return cell + " ".repeat(Math.max(0, width - widthOf(cell)));
      })
      .join(GAP)
      .trimEnd();
  }
}

/** Characters, not UTF-16 units: a key may hold any letter. */
function widthOf(text: string): number {
  return [...text].length;
}

/** Foreign text for a table: control characters must neither reach a terminal nor break a line. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

/** Tags and metadata as people write them: `colour=red size=2`. */
export function pairsText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => printable(`${name}=${value}`))
    .join(" ");
}
