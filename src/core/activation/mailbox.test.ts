import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { madeCall } from "../../../test/support/made-call.ts";
import type { Call } from "./call.ts";
import { Mailbox } from "./mailbox.ts";

const MAX_CALLS = 5;

const operation = fc.constantFrom("offer" as const, "take" as const, "expire" as const);

describe("a mailbox", () => {
  test("keeps the order, counts what is alive, and never holds more than its bound", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), fc.nat(1_000), (operations, pick) => {
        const mailbox = new Mailbox(MAX_CALLS, 1_000_000);
        const model: Call[] = [];
        let made = 0;
        for (const step of operations) {
          if (step === "offer") {
            made += 1;
            const call = madeCall(made);
            expect(mailbox.offer(call)).toBe(model.length < MAX_CALLS);
            if (model.length < MAX_CALLS) model.push(call);
          } else if (step === "take") {
            expect(mailbox.peek()).toBe(model[0] as Call);
            expect(mailbox.take()).toBe(model.shift() as Call);
          } else if (model.length > 0) {
            const [gone] = model.splice(pick % model.length, 1);
            if (gone === undefined) continue;
            gone.phase = "done";
            mailbox.forget(gone);
          }
          expect(mailbox.length).toBe(model.length);
        }
      }),
    );
  });

  test("is bounded by bytes, and what is put back always fits", () => {
    const mailbox = new Mailbox(10, 1_000);
    const big = madeCall(1, { payload: { type: "", data: new Uint8Array(700) } });
    expect(mailbox.offer(big)).toBe(true);
    expect(mailbox.offer(madeCall(2))).toBe(false);
    expect(mailbox.take()).toBe(big);
    expect(mailbox.offer(madeCall(3))).toBe(true);
    mailbox.putBack(big);
    expect(mailbox.take()).toBe(big);
    expect(mailbox.length).toBe(1);
  });

  test("lets go of answered calls although none is ever taken", () => {
    const mailbox = new Mailbox(2, 1_000_000);
    for (let id = 1; id <= 10_000; id += 1) {
      const call = madeCall(id);
      expect(mailbox.offer(call)).toBe(true);
      call.phase = "done";
      mailbox.forget(call);
    }
    expect(mailbox.take()).toBeUndefined();
    expect(mailbox.length).toBe(0);
  });
});
