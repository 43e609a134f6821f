import { describe, expect, test } from "bun:test";
import { Prng } from "../../../test/support/prng.ts";
import { mix64 } from "./mix64.ts";
import { multiply64, rotateLeft64, type U64, xorShift64 } from "./u64.ts";
import { xxHash64 } from "./xx-hash64.ts";

const MASK = 0xffffffffffffffffn;

function big(value: U64): bigint {
  return (BigInt(value.hi >>> 0) << 32n) | BigInt(value.lo >>> 0);
}

function hex(value: U64): string {
  return big(value).toString(16).padStart(16, "0");
}

/** The buffer that the specification's own self-test hashes. */
function sanityBuffer(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let generator = 2654435761n;
  for (let at = 0; at < length; at += 1) {
    bytes[at] = Number((generator >> 56n) & 0xffn);
    generator = (generator * 11400714785074694797n) & MASK;
  }
  return bytes;
}

describe("xxHash64", () => {
  test.each([
    ["", "ef46db3751d8e999"],
    ["a", "d24ec4f1a98c6e5b"],
    ["abc", "44bc2cf5ad770999"],
    ["Nobody inspects the spammish repetition", "fbcea83c8a378bf1"],
  ])("matches the published vector of %p", (text, expected) => {
    expect(hex(xxHash64(new TextEncoder().encode(text)))).toBe(expected);
  });

  test.each([
    [1, 0, "e934a84adb052768"],
    [1, 2654435761, "5014607643a9b4c3"],
    [4, 0, "9136a0dca57457ee"],
    [14, 0, "8282dcc4994e35c8"],
    [14, 2654435761, "c3bd6bf63deb6df0"],
    [222, 0, "b641ae8cb691c174"],
    [222, 2654435761, "20cb8ab7ae10c14a"],
  ])("matches the self-test of the reference code: %d bytes, seed %d", (length, seed, expected) => {
    expect(hex(xxHash64(sanityBuffer(length), length, seed))).toBe(expected);
  });

  test("agrees with the runtime's own xxHash64 on every length to 200 and on random bytes", () => {
    const prng = new Prng(1);
    for (let length = 0; length <= 200; length += 1) {
      const bytes = Uint8Array.from({ length }, () => prng.below(256));
      expect(big(xxHash64(bytes))).toBe(Bun.hash.xxHash64(bytes));
    }
  });

  test("reads no further than `length`", () => {
    expect(hex(xxHash64(new TextEncoder().encode("abcdef"), 3))).toBe("44bc2cf5ad770999");
  });
});

describe("two lanes of 32 bits", () => {
  test("mix64 is the finaliser of SplitMix64", () => {
    const value = { hi: 0x9e3779b9, lo: 0x7f4a7c15 };
    mix64(value);
    expect(hex(value)).toBe("e220a8397b1dcdaf");
  });

  test("multiply, rotate and shift agree with BigInt", () => {
    const prng = new Prng(2);
    for (let round = 0; round < 5_000; round += 1) {
      const a = { hi: prng.uint32(), lo: prng.uint32() };
      const b = { hi: prng.uint32(), lo: prng.uint32() };
      const bits = 1 + prng.below(63);
      const before = big(a);
      const product = { ...a };
      multiply64(product, b.hi, b.lo);
      expect(big(product)).toBe((before * big(b)) & MASK);
      const shifted = { ...a };
      xorShift64(shifted, bits);
      expect(big(shifted)).toBe(before ^ (before >> BigInt(bits)));
      if (bits === 32) continue;
      rotateLeft64(a, bits);
      expect(big(a)).toBe(((before << BigInt(bits)) | (before >> BigInt(64 - bits))) & MASK);
    }
  });
});
