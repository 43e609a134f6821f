/**
 * Edits that turn one text into the other, where swapping neighbours is one edit (optimal string
 * alignment, the restricted Damerau–Levenshtein distance).
 */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1];
      let least = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? 0;
}

/**
 * The candidate that was probably meant, or `undefined` if none is near: at most a third of the
 * longer text may differ. Names longer than 100 characters are nobody's typing mistake.
 */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  if (text.length > 100) return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(text, candidate);
    const allowed = Math.max(1, Math.floor(Math.max(text.length, candidate.length) / 3));
    if (distance < least && distance <= allowed) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** `did you mean x?`, or "" if nothing is near. */
export function didYouMean(text: string, candidates: Iterable<string>): string {
  const found = nearest(text, candidates);
  return found === undefined ? "" : `did you mean ${found}?`;
}
