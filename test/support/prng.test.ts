import { expect, test } from "bun:test";
import { Prng } from "./prng.ts";

test("the same seed gives the same numbers, and they are frozen", () => {
  const prng = new Prng(42);
  expect([prng.uint32(), prng.uint32(), prng.uint32()]).toEqual([
    2581720956, 1925393290, 3661312704,
  ]);
});

test("numbers spread evenly over [0, 1)", () => {
  const prng = new Prng(7);
  const buckets = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 100_000; draw += 1) {
    const at = prng.below(10);
    buckets[at] = (buckets[at] ?? 0) + 1;
  }
  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});
