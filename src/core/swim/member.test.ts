import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ALIVE, DEAD, LEFT, outranks, type Rank, type Standing, SUSPECT } from "./member.ts";

const standing: fc.Arbitrary<Standing> = fc.record({
  generation: fc.nat(3),
  incarnation: fc.nat(3),
  rank: fc.constantFrom<Rank>(ALIVE, SUSPECT, DEAD, LEFT),
});

const merge = (a: Standing, b: Standing): Standing => (outranks(b, a) ? b : a);

describe("the order of statements", () => {
  test("is total: of two different ones exactly one outranks the other", () => {
    fc.assert(
      fc.property(standing, standing, (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b);
        expect(Number(outranks(a, b)) + Number(outranks(b, a))).toBe(isSame ? 0 : 1);
      }),
    );
  });

  test("makes merging commutative, associative and idempotent", () => {
    fc.assert(
      fc.property(standing, standing, standing, (a, b, c) => {
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(a, a)).toEqual(a);
      }),
    );
  });

  test("looks at the generation first, then the incarnation, then the rank", () => {
    const held: Standing = { generation: 2, incarnation: 5, rank: DEAD };
    expect(outranks({ generation: 3, incarnation: 0, rank: ALIVE }, held)).toBe(true);
    expect(outranks({ generation: 1, incarnation: 9, rank: LEFT }, held)).toBe(false);
    expect(outranks({ generation: 2, incarnation: 6, rank: ALIVE }, held)).toBe(true);
    expect(outranks({ generation: 2, incarnation: 5, rank: LEFT }, held)).toBe(true);
    expect(outranks({ generation: 2, incarnation: 5, rank: SUSPECT }, held)).toBe(false);
    expect(outranks(held, held)).toBe(false);
  });
});
