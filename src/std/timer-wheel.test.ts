import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_SLOT, TimerWheel, type WheelEntry } from "./timer-wheel.ts";

interface Entry extends WheelEntry {
  readonly name: number;
}

function entry(name: number, dueMs: number): Entry {
  return { name, dueMs, wheelSlot: NO_SLOT, wheelNext: undefined, wheelPrevious: undefined };
}

const GRANULE_MS = 10;

const operation = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), afterMs: fc.nat(100_000) }),
  fc.record({ kind: fc.constant("add" as const), afterMs: fc.nat(50) }),
  fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("advance" as const), byMs: fc.nat(60_000) }),
  fc.record({ kind: fc.constant("advance" as const), byMs: fc.nat(25) }),
);

describe("a timer wheel", () => {
  test("fires each entry once, never early and at most a granule late, unless it was taken out", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 100 }), fc.nat(5_000), (operations, startMs) => {
        const wheel = new TimerWheel<Entry>(GRANULE_MS, startMs);
        const waiting = new Map<number, Entry>();
        let nowMs = startMs;
        let made = 0;
        for (const step of operations) {
          if (step.kind === "add") {
            made += 1;
            const added = entry(made, nowMs + step.afterMs);
            waiting.set(made, added);
            wheel.add(added);
          } else if (step.kind === "remove") {
            const removed = [...waiting.values()][step.which % Math.max(waiting.size, 1)];
            if (removed === undefined) continue;
            waiting.delete(removed.name);
            wheel.remove(removed);
            wheel.remove(removed);
          } else {
            nowMs += step.byMs;
            wheel.advance(nowMs, (fired) => {
              expect(fired.dueMs).toBeLessThanOrEqual(nowMs);
              expect(waiting.delete(fired.name)).toBe(true);
            });
            const late = [...waiting.values()].filter(({ dueMs }) => dueMs + GRANULE_MS < nowMs);
            expect(late).toEqual([]);
          }
          expect(wheel.size).toBe(waiting.size);
        }
      }),
    );
  });

  test("may be added to from what fires", () => {
    const wheel = new TimerWheel<Entry>(GRANULE_MS, 0);
    const fired: number[] = [];
    wheel.add(entry(1, 20));
    const fire = ({ name, dueMs }: Entry): void => {
      fired.push(name);
      if (name < 3) wheel.add(entry(name + 1, dueMs));
    };
    wheel.advance(30, fire);
    expect(fired).toEqual([1]);
    wheel.advance(40, fire);
    wheel.advance(50, fire);
    expect(fired).toEqual([1, 2, 3]);
    expect(wheel.size).toBe(0);
  });
});
