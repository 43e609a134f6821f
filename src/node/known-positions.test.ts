import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { lossOf } from "../core/activation/position.ts";
import { KnownPositions } from "./known-positions.ts";

const at = (epoch: number, revision: number) => ({ epoch, revision });
const positions = fc.record({ epoch: fc.nat(6), revision: fc.nat(6) });

describe("what is known of actors", () => {
  test("only grows, whatever is noted in whatever order", () => {
    fc.assert(
      fc.property(fc.array(positions, { minLength: 1 }), (noted) => {
        const known = new KnownPositions();
        for (const position of noted) known.note("a", position);
        expect(known.of("a")).toEqual({
          epoch: Math.max(...noted.map(({ epoch }) => epoch)),
          revision: Math.max(...noted.map(({ revision }) => revision)),
        });
      }),
    );
  });

  test("is lost by a store exactly if it shows less in either number", () => {
    fc.assert(
      fc.property(positions, positions, (known, found) => {
        const less = found.epoch < known.epoch || found.revision < known.revision;
        const loss = known.epoch > 0 && less ? "STORE_REGRESSED" : undefined;
        expect(lossOf(known, found)).toBe(loss);
      }),
    );
  });

  test("is bounded: the actors noted longest ago are forgotten", () => {
    const known = new KnownPositions(3);
    for (const path of ["a", "b", "c", "a", "d"]) known.note(path, at(1, 1));
    expect(["a", "b", "c", "d"].map((path) => known.of(path) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  test("stops an actor until a read shows all of it", () => {
    const known = new KnownPositions();
    known.stop("a", at(3, 7), "STORE_REGRESSED");
    known.note("a", at(2, 9));
    expect([known.loss("a"), known.of("a")]).toEqual(["STORE_REGRESSED", at(3, 9)]);
    expect(known.check("a", known.of("a"), at(3, 8))).toBe("STORE_REGRESSED");
    expect(known.check("a", known.of("a"), at(4, 9))).toBeUndefined();
    expect(known.loss("a")).toBeUndefined();
  });

  test("is compared with what was known when the read was sent", () => {
    const known = new KnownPositions();
    known.note("a", at(1, 1));
    const sent = known.of("a");
    known.stop("a", at(1, 2), "STORE_REGRESSED");
    expect(known.check("a", sent, at(1, 1))).toBeUndefined();
    // A read from before the stop does not lift it.
    expect(known.loss("a")).toBe("STORE_REGRESSED");
  });
});
