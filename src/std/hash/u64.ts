/**
 * An unsigned 64-bit integer as two unsigned 32-bit lanes, because BigInt costs ten times as much.
 * The functions change their first argument in place, so that a hash needs no allocation per step.
 */
export interface U64 {
  hi: number;
  lo: number;
}

/** `a = a + (hi, lo)` modulo 2^64. */
export function add64(a: U64, hi: number, lo: number): void {
  const sum = a.lo + lo;
  a.lo = sum >>> 0;
  a.hi = (a.hi + hi + (sum > 0xffffffff ? 1 : 0)) >>> 0;
}

/** `a = a × (hi, lo)` modulo 2^64. */
export function multiply64(a: U64, hi: number, lo: number): void {
  const a0 = a.lo & 0xffff;
  const a1 = a.lo >>> 16;
  const b0 = lo & 0xffff;
  const b1 = lo >>> 16;
  const low = a0 * b0;
  const cross = a1 * b0 + (low >>> 16);
  const middle = (cross & 0xffff) + a0 * b1;
  const carry = a1 * b1 + Math.floor(cross / 0x10000) + (middle >>> 16);
  a.hi = (carry + Math.imul(a.hi, lo) + Math.imul(a.lo, hi)) >>> 0;
  a.lo = ((middle << 16) | (low & 0xffff)) >>> 0;
}

/** `a = a` rotated left by `bits`, 1 to 63 and not 32. */
export function rotateLeft64(a: U64, bits: number): void {
  const swap = bits > 32;
  const hi = swap ? a.lo : a.hi;
  const lo = swap ? a.hi : a.lo;
  const by = swap ? bits - 32 : bits;
  a.hi = ((hi << by) | (lo >>> (32 - by))) >>> 0;
  a.lo = ((lo << by) | (hi >>> (32 - by))) >>> 0;
}

/** `a = a ⊕ (a >>> bits)`, for 1 to 63 bits. */
export function xorShift64(a: U64, bits: number): void {
  if (bits >= 32) {
    a.lo = (a.lo ^ (a.hi >>> (bits - 32))) >>> 0;
    return;
  }
  a.lo = (a.lo ^ ((a.hi << (32 - bits)) | (a.lo >>> bits))) >>> 0;
  a.hi = (a.hi ^ (a.hi >>> bits)) >>> 0;
}
