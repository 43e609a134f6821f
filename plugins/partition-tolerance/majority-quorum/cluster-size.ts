/** The largest size that a cluster is known to have had. */
export interface ClusterSize {
  /** How often the size was set by hand; a later setting counts for more than any size. */
  readonly resets: number;
  readonly largest: number;
}

/** The size as it is saved and told. */
export function writeSize({ resets, largest }: ClusterSize): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ resets, largest }));
}

/** What `writeSize` wrote, or `undefined` if it is nothing of the kind. */
export function readSize(bytes: Uint8Array): ClusterSize | undefined {
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof found !== "object" || found === null) return undefined;
  if (!("resets" in found) || !("largest" in found)) return undefined;
  const { resets, largest } = found;
  return isWhole(resets, 0) && isWhole(largest, 1) ? { resets, largest } : undefined;
}

/** True for a whole number from `least` to what a cluster could ever count. */
export function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= 1_000_000;
}

/** What counts of two: the later setting by hand, else the larger size. Whatever the order, the same. */
export function mergeSizes(a: ClusterSize, b: ClusterSize): ClusterSize {
  if (a.resets !== b.resets) return a.resets > b.resets ? a : b;
  return a.largest >= b.largest ? a : b;
}
