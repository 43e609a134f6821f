import { add64, multiply64, rotateLeft64, type U64, xorShift64 } from "./u64.ts";

// The five primes of the specification, high lane first.
const P1 = { hi: 0x9e3779b1 | 0, lo: 0x85ebca87 | 0 } as const;
const P2 = { hi: 0xc2b2ae3d | 0, lo: 0x27d4eb4f } as const;
const P3 = { hi: 0x165667b1, lo: 0x9e3779f9 | 0 } as const;
const P4 = { hi: 0x85ebca77 | 0, lo: 0xc2b2ae63 | 0 } as const;
const P5 = { hi: 0x27d4eb2f, lo: 0x165667c5 } as const;

/**
 * xxHash64 of the first `length` bytes (XXH64 of Yann Collet's specification, `seed` below 2^32),
 * written to `out`, which is returned. Any language's XXH64 gives the same number.
 */
export function xxHash64(
  bytes: Uint8Array,
  length: number = bytes.length,
  seed = 0,
  out: U64 = { hi: 0, lo: 0 },
): U64 {
  const lane: U64 = { hi: 0, lo: 0 };
  let at = 0;
  out.hi = 0;
  out.lo = seed | 0;
  if (length >= 32) at = stripes(bytes, length, seed, out, lane);
  else add64(out, P5.hi, P5.lo);
  add64(out, Math.floor(length / 0x100000000), length | 0);
  tail(bytes, at, length, out, lane);
  xorShift64(out, 33);
  multiply64(out, P2.hi, P2.lo);
  xorShift64(out, 29);
  multiply64(out, P3.hi, P3.lo);
  xorShift64(out, 32);
  return out;
}

/** Four accumulators over blocks of 32 bytes, merged into `out`; answers where the tail begins. */
function stripes(bytes: Uint8Array, length: number, seed: number, out: U64, lane: U64): number {
  const v1: U64 = { hi: 0, lo: seed | 0 };
  const v2: U64 = { hi: 0, lo: seed | 0 };
  const v3: U64 = { hi: 0, lo: seed | 0 };
  const v4: U64 = { hi: 0, lo: seed | 0 };
  add64(v1, P1.hi, P1.lo);
  add64(v1, P2.hi, P2.lo);
  add64(v2, P2.hi, P2.lo);
  // Minus P1 is plus its two's complement.
  add64(v4, ~P1.hi, (~P1.lo + 1) | 0);
  let at = 0;
  for (; at + 32 <= length; at += 32) {
    round(v1, bytes, at, lane);
    round(v2, bytes, at + 8, lane);
    round(v3, bytes, at + 16, lane);
    round(v4, bytes, at + 24, lane);
  }
  out.hi = 0;
  out.lo = 0;
  addRotated(out, v1, 1, lane);
  addRotated(out, v2, 7, lane);
  addRotated(out, v3, 12, lane);
  addRotated(out, v4, 18, lane);
  merge(out, v1);
  merge(out, v2);
  merge(out, v3);
  merge(out, v4);
  return at;
}

/** The last 0 to 31 bytes. */
function tail(bytes: Uint8Array, start: number, length: number, out: U64, lane: U64): void {
  let at = start;
  for (; at + 8 <= length; at += 8) {
    lane.hi = 0;
    lane.lo = 0;
    round(lane, bytes, at, { hi: 0, lo: 0 });
    xor(out, lane.hi, lane.lo);
    rotateLeft64(out, 27);
    multiply64(out, P1.hi, P1.lo);
    add64(out, P4.hi, P4.lo);
  }
  if (at + 4 <= length) {
    lane.hi = 0;
    lane.lo = word(bytes, at);
    multiply64(lane, P1.hi, P1.lo);
    xor(out, lane.hi, lane.lo);
    rotateLeft64(out, 23);
    multiply64(out, P2.hi, P2.lo);
    add64(out, P3.hi, P3.lo);
    at += 4;
  }
  for (; at < length; at += 1) {
    lane.hi = 0;
    lane.lo = bytes[at] ?? 0;
    multiply64(lane, P5.hi, P5.lo);
    xor(out, lane.hi, lane.lo);
    rotateLeft64(out, 11);
    multiply64(out, P1.hi, P1.lo);
  }
}

/** One 64-bit word of input into an accumulator. */
function round(acc: U64, bytes: Uint8Array, at: number, lane: U64): void {
  lane.lo = word(bytes, at);
  lane.hi = word(bytes, at + 4);
  multiply64(lane, P2.hi, P2.lo);
  add64(acc, lane.hi, lane.lo);
  rotateLeft64(acc, 31);
  multiply64(acc, P1.hi, P1.lo);
}

function addRotated(out: U64, acc: U64, bits: number, lane: U64): void {
  lane.hi = acc.hi;
  lane.lo = acc.lo;
  rotateLeft64(lane, bits);
  add64(out, lane.hi, lane.lo);
}

/** Uses up `acc`. */
function merge(out: U64, acc: U64): void {
  multiply64(acc, P2.hi, P2.lo);
  rotateLeft64(acc, 31);
  multiply64(acc, P1.hi, P1.lo);
  xor(out, acc.hi, acc.lo);
  multiply64(out, P1.hi, P1.lo);
  add64(out, P4.hi, P4.lo);
}

function xor(a: U64, hi: number, lo: number): void {
  a.hi ^= hi;
  a.lo ^= lo;
}

/** Four bytes, lowest first. */
function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}
