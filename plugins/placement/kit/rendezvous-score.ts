import { mix64 } from "../../../src/std/hash/mix64.ts";
import type { U64 } from "../../../src/std/hash/u64.ts";

// ln 2 and the series bound sqrt(1/2); plain doubles, the same everywhere.
const LN2 = 0.6931471805599453;
const SQRT_HALF = 0.7071067811865476;

/** Terms of the series for the logarithm: 2s(1 + s²/3 + s⁴/5 + …), enough for s ≤ 0.1716. */
const SERIES_TERMS = 12;

/**
 * The 64 bits that rank a member for a key: `h = mix64(key ⊕ mix64(nodeIdHash))`, into `out`.
 * `mixedNode` is `mix64(nodeIdHash)`, which does not change with the key.
 */
export function memberHash(key: U64, mixedNode: U64, out: U64): void {
  out.hi = key.hi ^ mixedNode.hi;
  out.lo = key.lo ^ mixedNode.lo;
  mix64(out);
}

/**
 * `−weight / ln((h >>> 11 + ½) / 2⁵³)`: the larger, the earlier. Shares then follow the weights
 * exactly (Schindelhauer, Schomaker 2005).
 */
export function weightedScore(hash: U64, weight: number): number {
  const top53 = (hash.hi >>> 0) * 0x200000 + (hash.lo >>> 11);
  const unit = (top53 + 0.5) / 0x20000000000000;
  // For the very last values the half is lost to rounding, and the logarithm would be zero.
  return unit >= 1 ? Infinity : -weight / portableLn(unit);
}

/**
 * The natural logarithm of a number in (0, 1) by addition, multiplication and division alone, so
 * that every engine and processor gives the same bits; `Math.log` need not.
 */
export function portableLn(value: number): number {
  let mantissa = value;
  let exponent = 0;
  while (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = 0;
  for (let term = SERIES_TERMS; term >= 0; term -= 1) series = series * square + 1 / (2 * term + 1);
  return exponent * LN2 + 2 * s * series;
}
