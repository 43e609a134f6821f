import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RequestWindow } from "./request-window.ts";

describe("a request window", () => {
  test("never denies an id that it was told of", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (listed, added) => {
        const window = new RequestWindow();
        window.reset(listed);
        for (const id of added) window.add(id);
        for (const id of [...listed, ...added]) expect(window.mayHold(id)).toBe(true);
      }),
    );
  });

  test("is sure of most others", () => {
    const window = new RequestWindow();
    for (let i = 0; i < 10_000; i += 1) window.add(`known-${i}`);
    let asked = 0;
    for (let i = 0; i < 10_000; i += 1) if (window.mayHold(`new-${i}`)) asked += 1;
    expect(asked).toBe(0);
  });

  test("is sure of nothing once there were too many", () => {
    const window = new RequestWindow();
    expect(window.mayHold("a")).toBe(false);
    window.reset(undefined);
    expect(window.mayHold("a")).toBe(true);
    window.reset([]);
    expect(window.mayHold("a")).toBe(false);
    for (let i = 0; i < 70_000; i += 1) window.add(`id-${i}`);
    expect(window.mayHold("a")).toBe(true);
  });
});
