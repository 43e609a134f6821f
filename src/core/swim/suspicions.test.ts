import { describe, expect, test } from "bun:test";
import { Suspicions } from "./suspicions.ts";

const TIMES = { minMs: 2_000, maxMs: 30_000, confirmations: 3 };
const from = (lo: number) => ({ hi: 0, lo });

describe("suspicions", () => {
  test("last as long as few confirm, and each accuser counts once", () => {
    const suspicions = new Suspicions();
    suspicions.start(7, 0, from(1), TIMES);
    expect(suspicions.nextMs).toBe(30_000);
    expect(suspicions.confirm(7, from(1))).toBe(false);
    expect(suspicions.confirm(7, from(2))).toBe(true);
    expect(suspicions.nextMs).toBe(16_000);
    expect(suspicions.confirm(7, from(2))).toBe(false);
    expect(suspicions.confirm(7, from(3))).toBe(true);
    expect(suspicions.nextMs).toBe(7_810);
    expect(suspicions.confirm(7, from(4))).toBe(true);
    expect(suspicions.nextMs).toBe(2_000);
    // As many as were needed have spoken.
    expect(suspicions.confirm(7, from(5))).toBe(false);
    expect(suspicions.takeExpired(1_999)).toBeUndefined();
    expect(suspicions.takeExpired(2_000)).toBe(7);
    expect(suspicions.takeExpired(30_000)).toBeUndefined();
    expect(suspicions.length).toBe(0);
  });

  test("a confirmation that comes after the time it leads to ends the suspicion at once, and once", () => {
    const suspicions = new Suspicions();
    suspicions.start(7, 0, from(1), { ...TIMES, confirmations: 1 });
    expect(suspicions.takeExpired(20_000)).toBeUndefined();
    expect(suspicions.confirm(7, from(2))).toBe(true);
    expect(suspicions.takeExpired(20_000)).toBe(7);
    expect(suspicions.takeExpired(40_000)).toBeUndefined();
  });

  test("a deadline of an earlier suspicion, or of a later one, does not end this one", () => {
    const suspicions = new Suspicions();
    const short = { minMs: 1_000, maxMs: 1_000, confirmations: 0 };
    suspicions.start(7, 0, from(1), short);
    suspicions.clear(7);
    suspicions.start(7, 992, from(1), short);
    expect(suspicions.takeExpired(1_000)).toBeUndefined();
    expect(suspicions.takeExpired(1_992)).toBe(7);
    suspicions.start(7, 3_000, from(1), short);
    suspicions.start(7, 3_500, from(1), { ...short, minMs: 5_000 });
    expect(suspicions.takeExpired(8_499)).toBeUndefined();
    expect(suspicions.takeExpired(8_500)).toBe(7);
  });

  test("are shortened but never lengthened by a death that is told", () => {
    const suspicions = new Suspicions();
    suspicions.start(7, 0, from(1), TIMES);
    suspicions.shorten(7, 3_000);
    suspicions.shorten(7, 40_000);
    expect(suspicions.takeExpired(2_999)).toBeUndefined();
    expect(suspicions.takeExpired(3_000)).toBe(7);
    suspicions.shorten(7, 10);
    expect(suspicions.length).toBe(0);
  });

  test("wait for as long as the local node stood still", () => {
    const suspicions = new Suspicions();
    suspicions.start(7, 0, from(1), { ...TIMES, confirmations: 0 });
    suspicions.extend(5_000);
    expect(suspicions.takeExpired(6_999)).toBeUndefined();
    expect(suspicions.takeExpired(7_000)).toBe(7);
  });
});
