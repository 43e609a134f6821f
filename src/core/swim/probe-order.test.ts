import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Prng } from "../../../test/support/prng.ts";
import { NO_TARGET, ProbeOrder } from "./probe-order.ts";

const all = (): boolean => true;
const none = (): boolean => false;

function orderOf(count: number, seed = 1): ProbeOrder {
  const order = new ProbeOrder(new Prng(seed), 4);
  for (let index = 0; index < count; index += 1) order.add(index);
  return order;
}

describe("the order of probes", () => {
  test("is empty at first, and then nobody is probed", () => {
    const order = new ProbeOrder(new Prng(1), 16);
    expect(order.next(all, none)).toBe(NO_TARGET);
    expect(order.at(0)).toBe(NO_TARGET);
    expect([...order.sample(3, all)]).toEqual([]);
  });

  test("probes every member once a round, so that there are at most 2n − 1 between two probes of one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (count, seed) => {
        const order = orderOf(count, seed);
        order.next(all, none);
        const rest = Array.from({ length: count - 1 }, () => order.next(all, none));
        expect(new Set(rest).size).toBe(count - 1);
        const round = Array.from({ length: count }, () => order.next(all, none));
        expect(round.toSorted((a, b) => a - b)).toEqual([...Array(count).keys()]);
      }),
    );
  });

  test("passes over those that are no targets, and does not look for ever", () => {
    const order = orderOf(5);
    const targets = Array.from({ length: 4 }, () => order.next((index) => index > 2, none));
    expect(new Set(targets)).toEqual(new Set([3, 4]));
    expect(order.next(none, none)).toBe(NO_TARGET);
  });

  test("lets go of the gone where a round ends, not before", () => {
    const order = orderOf(5);
    const isGone = (index: number): boolean => index < 3;
    const isTarget = (index: number): boolean => !isGone(index);
    order.next(isTarget, none);
    order.next(isTarget, isGone);
    expect(order.length).toBe(5);
    for (let probe = 0; probe < 3; probe += 1) order.next(isTarget, isGone);
    expect(order.length).toBe(2);
    order.add(0);
    expect(order.has(0)).toBe(true);
    order.remove(0);
    order.remove(0);
    expect(order.has(0)).toBe(false);
    expect(order.length).toBe(2);
  });

  test("puts newcomers anywhere", () => {
    const places = new Set<number>();
    for (let seed = 0; seed < 200; seed += 1) {
      const order = orderOf(5, seed);
      places.add([0, 1, 2, 3, 4].findIndex((at) => order.at(at) === 4));
    }
    expect(places.size).toBe(5);
  });

  test("picks different members at random, only such as are wanted, few of few and many alike", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(),
        (count, wanted, seed) => {
          const order = orderOf(count, seed);
          const accepts = (index: number): boolean => index % 3 !== 0;
          const picked = [...order.sample(wanted, accepts)];
          expect(new Set(picked).size).toBe(picked.length);
          expect(picked.every(accepts)).toBe(true);
          expect(picked.length).toBeLessThanOrEqual(wanted);
          // Few are all looked at.
          const fitting = [...Array(count).keys()].filter(accepts).length;
          if (count < 3 * wanted) expect(picked.length).toBe(Math.min(wanted, fitting));
        },
      ),
    );
  });

  test("picks each as often as the other", () => {
    const order = orderOf(20);
    const counts = new Array<number>(20).fill(0);
    for (let draw = 0; draw < 20_000; draw += 1) {
      for (const index of order.sample(1, all)) counts[index] = (counts[index] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });

  test("takes many in at once", () => {
    const order = new ProbeOrder(new Prng(3), 2);
    order.addAll([...Array(100).keys()]);
    const round = Array.from({ length: 100 }, () => order.next(all, none));
    expect(new Set(round).size).toBe(100);
    expect(round).not.toEqual([...Array(100).keys()]);
  });
});
