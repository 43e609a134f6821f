import { multiply64, type U64, xorShift64 } from "./u64.ts";

/**
 * Scrambles 64 bits in place so that every input bit moves every output bit: the finaliser of
 * SplitMix64 (Steele, Lea, Flood 2014; constants by Stafford, variant 13). A bijection.
 */
export function mix64(value: U64): void {
  xorShift64(value, 30);
  multiply64(value, 0xbf58476d | 0, 0x1ce4e5b9);
  xorShift64(value, 27);
  multiply64(value, 0x94d049bb | 0, 0x133111eb);
  xorShift64(value, 31);
}
