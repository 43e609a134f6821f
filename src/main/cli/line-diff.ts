/** A line of two texts: in both, only in the first, or only in the second. */
export interface DiffLine {
  readonly op: "keep" | "remove" | "add";
  readonly line: string;
}

/** Beyond so many pairs of lines what lies between equal ends is told as replaced whole. */
const MOST_PAIRS = 4_000_000;

/** The lines of two texts as one list, of which as many as possible are in both. */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const keep = (line: string): DiffLine => ({ op: "keep", line });
  return [
    ...old.slice(0, head).map(keep),
    ...between(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...old.slice(old.length - tail).map(keep),
  ];
}

function between(old: readonly string[], now: readonly string[]): DiffLine[] {
  const pairs = old.length * now.length;
  const equal = pairs > MOST_PAIRS ? undefined : longestEqual(old, now);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [a, b] = [old[i], now[j]];
    const width = now.length + 1;
    if (equal !== undefined && a !== undefined && a === b) {
      lines.push({ op: "keep", line: a });
      i += 1;
      j += 1;
    } else if (
      a !== undefined &&
      (b === undefined || (equal?.[(i + 1) * width + j] ?? 0) >= (equal?.[i * width + j + 1] ?? 0))
    ) {
      lines.push({ op: "remove", line: a });
      i += 1;
    } else {
      lines.push({ op: "add", line: b ?? "" });
      j += 1;
    }
  }
  return lines;
}

/** For each pair of suffixes the number of lines that both have, in order. */
function longestEqual(old: readonly string[], now: readonly string[]): Uint32Array {
  const width = now.length + 1;
  const table = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const below = table[(i + 1) * width + j] ?? 0;
      const beside = table[i * width + j + 1] ?? 0;
      const both = (table[(i + 1) * width + j + 1] ?? 0) + 1;
      table[i * width + j] = old[i] === now[j] ? both : Math.max(below, beside);
    }
  }
  return table;
}
