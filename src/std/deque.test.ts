import { expect, test } from "bun:test";
import fc from "fast-check";
import { Deque } from "./deque.ts";

const operation = fc.oneof(
  fc.record({ kind: fc.constant("push" as const), value: fc.integer() }),
  fc.record({ kind: fc.constant("unshift" as const), value: fc.integer() }),
  fc.record({ kind: fc.constant("shift" as const) }),
);

test("behaves like an array, whatever is done to it", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const deque = new Deque<number>();
      const model: number[] = [];
      for (const step of operations) {
        if (step.kind === "push") {
          deque.push(step.value);
          model.push(step.value);
        } else if (step.kind === "unshift") {
          deque.unshift(step.value);
          model.unshift(step.value);
        } else {
          expect(deque.shift()).toBe(model.shift() as number);
        }
        expect(deque.length).toBe(model.length);
        expect(deque.peek()).toBe(model[0] as number);
      }
    }),
  );
});
