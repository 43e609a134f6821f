import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BroadcastQueue } from "./broadcast-queue.ts";
import { PacketWriter } from "./packet-writer.ts";

/** A part that shows whose it is, and how long it is. */
function part(subject: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(subject);
}

/** The subjects of the parts that one packet takes along. */
function filled(queue: BroadcastQueue, budget: number, limit: number): number[] {
  const writer = new PacketWriter(10_000);
  writer.clear();
  const taken: number[] = [];
  const parts = Object.assign(writer, {
    part(bytes: Uint8Array) {
      taken.push(bytes[0] ?? 0);
    },
  });
  queue.fill(parts, budget, limit);
  return taken;
}

describe("the queue of broadcasts", () => {
  test("sends what was sent least first, of these the longest, of these the newest", () => {
    const queue = new BroadcastQueue();
    queue.add(1, part(1, 10));
    queue.add(2, part(2, 30));
    queue.add(3, part(3, 10));
    expect(filled(queue, 1_000, 9)).toEqual([2, 3, 1]);
    queue.add(4, part(4, 5));
    expect(filled(queue, 1_000, 9)).toEqual([4, 2, 3, 1]);
  });

  test("fills the budget greedily: what is too long does not keep the shorter ones back", () => {
    const queue = new BroadcastQueue();
    queue.add(1, part(1, 50));
    queue.add(2, part(2, 30));
    queue.add(3, part(3, 15));
    expect(filled(queue, 45, 9)).toEqual([2, 3]);
    // What was passed over is next.
    expect(filled(queue, 95, 9)).toEqual([1, 2, 3]);
    expect(filled(queue, 4, 9)).toEqual([]);
  });

  test("lets go of a statement after its last transmission", () => {
    const queue = new BroadcastQueue();
    queue.add(1, part(1, 10));
    for (let sent = 1; sent <= 3; sent += 1) {
      expect(queue.has(1)).toBe(true);
      expect(filled(queue, 100, 3)).toEqual([1]);
    }
    expect(queue.length).toBe(0);
    expect(filled(queue, 100, 3)).toEqual([]);
  });

  test("holds one statement a subject: the newer takes the place of the older and begins anew", () => {
    const queue = new BroadcastQueue();
    queue.add(1, part(1, 10));
    filled(queue, 100, 3);
    filled(queue, 100, 3);
    queue.add(1, part(9, 10));
    expect(queue.length).toBe(1);
    expect([0, 1, 2].flatMap(() => filled(queue, 100, 3))).toEqual([9, 9, 9]);
    queue.add(2, part(2, 10));
    queue.remove(2);
    queue.remove(3);
    expect(queue.length).toBe(0);
  });

  test("is cut back from what was sent most, the shortest and oldest of it first", () => {
    const queue = new BroadcastQueue();
    for (const subject of [1, 2, 3]) queue.add(subject, part(subject, 10 * subject));
    filled(queue, 100, 9);
    queue.add(4, part(4, 10));
    queue.prune(2);
    expect(filled(queue, 100, 9)).toEqual([4, 3]);
    queue.prune(0);
    expect(queue.length).toBe(0);
  });

  test("whatever is added and sent: no statement beyond its limit, none twice in a packet, none too long", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("add" as const),
        subject: fc.nat(12),
        length: fc.integer({ min: 1, max: 40 }),
      }),
      fc.record({ kind: fc.constant("fill" as const), budget: fc.nat(120) }),
      fc.record({ kind: fc.constant("prune" as const), most: fc.nat(8) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, limit) => {
          const queue = new BroadcastQueue();
          const model = new Map<number, { length: number; sent: number }>();
          for (const one of steps) {
            if (one.kind === "add") {
              queue.add(one.subject, part(one.subject, one.length));
              model.set(one.subject, { length: one.length, sent: 0 });
            } else if (one.kind === "prune") {
              const before = [...model.values()].map(({ sent }) => sent);
              queue.prune(one.most);
              for (const subject of model.keys()) if (!queue.has(subject)) model.delete(subject);
              expect(model.size).toBe(Math.min(before.length, one.most));
            } else {
              const taken = filled(queue, one.budget, limit);
              expect(new Set(taken).size).toBe(taken.length);
              let room = one.budget;
              let last = 0;
              for (const subject of taken) {
                const entry = model.get(subject) ?? { length: 0, sent: 0 };
                room -= entry.length;
                expect(entry.sent).toBeGreaterThanOrEqual(last);
                last = entry.sent;
                entry.sent += 1;
                if (entry.sent >= limit) model.delete(subject);
              }
              expect(room).toBeGreaterThanOrEqual(0);
              // Greedy: nothing that would still fit was left out.
              const left = [...model].filter(([subject]) => !taken.includes(subject));
              expect(left.every(([, { length }]) => length > room)).toBe(true);
            }
            expect(queue.length).toBe(model.size);
          }
        },
      ),
    );
  });
});
