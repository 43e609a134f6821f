/**
 * A 64-bit integer as two 32-bit lanes, because BigInt costs ten times as much. The lanes are kept
 * signed, as engines compute fastest with them: read one as unsigned by `>>> 0`. The functions
 * change their first argument in place, so that a hash needs no allocation per step.
 */
export interface U64 {
  hi: number;
  lo: number;
}

/** `a = a + (hi, lo)` modulo 2^64. */
export function add64(a: U64, hi: number, lo: number): void {
  const sum = (a.lo + lo) | 0;
  const carry = sum >>> 0 < lo >>> 0 ? 1 : 0;
  a.lo = sum;
  a.hi = (a.hi + hi + carry) | 0;
}

/** `a = a × (hi, lo)` modulo 2^64. */
export function multiply64(a: U64, hi: number, lo: number): void {
  const a0 = a.lo & 0xffff;
  const a1 = a.lo >>> 16;
  const b0 = lo & 0xffff;
  const b1 = lo >>> 16;
  // Every partial product and sum stays below 2^32, so that 32-bit multiplication loses nothing.
  const low = Math.imul(a0, b0);
  const cross = (Math.imul(a1, b0) + (low >>> 16)) | 0;
  const middle = ((cross & 0xffff) + Math.imul(a0, b1)) | 0;
  const carry = (Math.imul(a1, b1) + (cross >>> 16) + (middle >>> 16)) | 0;
  a.hi = (carry + Math.imul(a.hi, lo) + Math.imul(a.lo, hi)) | 0;
  a.lo = (middle << 16) | (low & 0xffff) | 0;
}

/** `a = a` rotated left by `bits`, 1 to 63 and not 32. */
export function rotateLeft64(a: U64, bits: number): void {
  const swap = bits > 32;
  const hi = swap ? a.lo : a.hi;
  const lo = swap ? a.hi : a.lo;
  const by = swap ? bits - 32 : bits;
  a.hi = (hi << by) | (lo >>> (32 - by)) | 0;
  a.lo = (lo << by) | (hi >>> (32 - by)) | 0;
}

/** `a = a ⊕ (a >>> bits)`, for 1 to 63 bits. */
export function xorShift64(a: U64, bits: number): void {
  if (bits >= 32) {
    a.lo = (a.lo ^ (a.hi >>> (bits - 32))) | 0;
    return;
  }
  a.lo = (a.lo ^ ((a.hi << (32 - bits)) | (a.lo >>> bits))) | 0;
  a.hi = (a.hi ^ (a.hi >>> bits)) | 0;
}
