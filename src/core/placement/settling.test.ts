import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Settling } from "./settling.ts";

/** A settling in which `old` has been there for long. */
function established(): Settling {
  const settling = new Settling();
  settling.up("old", 0, 1_000_000);
  return settling;
}

describe("a newcomer", () => {
  test("settles after five seconds", () => {
    const settling = established();
    settling.up("new", 100);
    expect(settling.nextAtMs(100)).toBe(5_100);
    expect(settling.isSettled("new", 5_099)).toBe(false);
    expect(settling.isSettled("new", 5_100)).toBe(true);
    expect(settling.nextAtMs(5_100)).toBeUndefined();
  });

  test("has settled as far as others have known it alive", () => {
    const settling = established();
    settling.up("known", 100, 4_000);
    expect(settling.isSettled("known", 1_099)).toBe(false);
    expect(settling.isSettled("known", 1_100)).toBe(true);
  });

  test("is taken at once as long as nobody is old enough", () => {
    const settling = new Settling();
    settling.up("a", 0);
    settling.up("b", 4_999);
    settling.up("c", 5_000);
    expect(["a", "b", "c"].map((each) => settling.isSettled(each, 5_000))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("that nobody has seen has not settled", () => {
    expect(established().isSettled("nobody", 9_999_999)).toBe(false);
  });
});

describe("a member that keeps dying", () => {
  test("waits twice as long each time, to five minutes", () => {
    const settling = established();
    let nowMs = 0;
    settling.up("flapping", nowMs);
    const waits: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      nowMs += 1_000;
      settling.died("flapping", nowMs);
      settling.up("flapping", nowMs);
      waits.push((settling.nextAtMs(nowMs) ?? 0) - nowMs);
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300, 300].map((each) => each * 1_000));
  });

  test("is a newcomer again if its death was more than ten minutes ago", () => {
    const settling = established();
    settling.up("back", 0);
    settling.died("back", 1_000);
    settling.up("back", 601_001);
    expect(settling.nextAtMs(601_001)).toBe(606_001);
  });

  test("does not flap if it left by its own word", () => {
    const settling = established();
    settling.up("rolling", 0);
    settling.left("rolling");
    settling.up("rolling", 1_000);
    expect(settling.nextAtMs(1_000)).toBe(6_000);
  });

  test("F13: in a crash loop of an hour it is given actors at most once in five minutes", () => {
    const settling = established();
    let returns = 0;
    for (let second = 0; second < 3_600; second += 1) {
      const nowMs = second * 1_000;
      if (second % 2 === 0) settling.up("loop", nowMs);
      else settling.died("loop", nowMs);
      if (settling.isSettled("loop", nowMs)) returns += 1;
    }
    expect(returns).toBeLessThanOrEqual(12);
  });
});

test("whatever happens, nobody settles before its time", () => {
  const event = fc.record({
    node: fc.nat(9_000).map((nth) => `n${nth}`),
    kind: fc.constantFrom("up", "died", "left" as const),
    afterMs: fc.nat(2_000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const settling = established();
      let nowMs = 0;
      for (const { node, kind, afterMs } of events) {
        nowMs += afterMs;
        if (kind === "up") settling.up(node, nowMs);
        else if (kind === "died") settling.died(node, nowMs);
        else settling.left(node);
        if (kind === "up") expect(settling.isSettled(node, nowMs + 4_999)).toBe(false);
        else expect(settling.isSettled(node, nowMs + 900_000)).toBe(false);
        const next = settling.nextAtMs(nowMs);
        if (next !== undefined) expect(next).toBeGreaterThan(nowMs);
      }
    }),
  );
});
