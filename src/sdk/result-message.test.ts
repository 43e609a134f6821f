import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { HostResult } from "../domain/turn.ts";
import { InvocationResultSchema } from "../gen/troupe/v1/host_pb.ts";
import { encodeResult } from "./result-message.ts";

const text = fc.string({ unit: "binary", maxLength: 60 });
const payload = fc.record({ type: text, data: fc.uint8Array({ maxLength: 200 }) });
const map = fc.dictionary(
  text.filter((name) => name !== "__proto__"),
  text,
  { maxKeys: 4 },
);
const outcome = fc.record(
  {
    turnId: fc.maxSafeNat(),
    reply: payload,
    failure: fc.constant(undefined),
    changed: fc.boolean(),
    effects: fc.array(fc.constant({ kind: "checkpoint" as const }), { maxLength: 3 }),
    state: payload,
    metadata: map,
  },
  { requiredKeys: ["turnId", "reply", "failure", "changed", "effects", "metadata"] },
);
const failed = fc.record({
  turnId: fc.maxSafeNat(),
  failure: fc.record({ code: text, message: text }),
});

const read = (result: HostResult, before: Record<string, string> = {}) =>
  fromBinary(InvocationResultSchema, encodeResult(result, before));
const plain = (found: { type: string; data: Uint8Array } | undefined) =>
  found === undefined ? undefined : { type: found.type, data: found.data };

test("a result is read by the library as it was meant", () => {
  const shape = fc.record({
    id: fc.maxSafeNat(),
    outcomes: fc.array(outcome, { maxLength: 4 }),
    state: fc.option(payload, { nil: undefined }),
    before: map,
    tags: fc.option(map, { nil: undefined }),
  });
  fc.assert(
    fc.property(shape, ({ before, ...shape }) => {
      const found = read({ ...shape, failure: undefined }, before);
      expect([Number(found.id), plain(found.state), found.error]).toEqual([
        shape.id,
        shape.state,
        undefined,
      ]);
      const after = { ...before, ...found.tags?.set };
      for (const name of found.tags?.remove ?? []) delete after[name];
      expect(after).toEqual(shape.tags ?? before);
      const outcomes = found.outcomes.map((one) => ({
        turnId: Number(one.turnId),
        reply: plain(one.reply),
        failure: one.error,
        changed: one.changed,
        effects: one.effects.map(({ effect }) => ({ kind: effect.case })),
        metadata: one.metadata,
        ...(one.state && { state: plain(one.state) }),
      }));
      expect(outcomes).toEqual(shape.outcomes as never);
    }),
    { numRuns: 300 },
  );
});

test("failures of turns and of the whole come through", () => {
  fc.assert(
    fc.property(fc.array(failed, { maxLength: 3 }), (turns) => {
      const outcomes = turns.map((turn) => ({
        ...turn,
        reply: { type: "x", data: new Uint8Array(1) },
        changed: false,
        effects: [],
        metadata: {},
      }));
      const failure = { code: "boom", message: "it broke" };
      const found = read({ id: 1, outcomes, state: undefined, tags: undefined, failure });
      expect(found.error).toMatchObject(failure);
      for (const [at, one] of found.outcomes.entries()) {
        expect([one.error?.code, one.error?.message, one.reply]).toEqual([
          turns[at]?.failure.code,
          turns[at]?.failure.message,
          undefined,
        ]);
      }
    }),
  );
});

test("what cannot be carried is a failure of the invocation", () => {
  const target = { system: "s", type: "t", key: "k" };
  const send = {
    kind: "send",
    target,
    action: "a",
    payload: { type: "", data: new Uint8Array(0) },
    metadata: {},
    requestId: "",
  } as const;
  const base = {
    failure: undefined,
    reply: { type: "", data: new Uint8Array(0) },
    changed: false,
    metadata: {},
    effects: [],
  };
  const result = { id: 4, state: undefined, tags: undefined, failure: undefined };
  const late = read({
    ...result,
    outcomes: [{ ...base, turnId: 1, effects: [{ ...send, delayMs: Number.NaN }] }],
  });
  expect([Number(late.id), late.error?.code, late.outcomes]).toEqual([4, "unknown", []]);
  const tagged = read({
    ...result,
    outcomes: [{ ...base, turnId: 1 }],
    tags: { a: 5 as unknown as string },
  });
  expect(tagged.error?.message).toBe('"a" is number and not a string');
});
