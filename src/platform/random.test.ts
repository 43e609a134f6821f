import { expect, test } from "bun:test";
import { systemRandom } from "./random.ts";

test("bytes gives exactly what was asked for, beyond one request of the generator too", () => {
  expect(systemRandom.bytes(0).length).toBe(0);
  const long = systemRandom.bytes(200_000);
  expect(long.length).toBe(200_000);
  // 64 zero bytes in a row at the tail would mean that it was left unfilled.
  expect(long.subarray(-64).some((byte) => byte !== 0)).toBe(true);
  expect(systemRandom.bytes(16)).not.toEqual(systemRandom.bytes(16));
});

test("unit is spread over [0, 1)", () => {
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const value = systemRandom.unit();
    expect(value >= 0 && value < 1).toBe(true);
    const bucket = Math.floor(value * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  expect(Math.min(...buckets)).toBeGreaterThan(700);
});
