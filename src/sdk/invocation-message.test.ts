import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { ExecuteRequestSchema } from "../gen/troupe/v1/host_pb.ts";
import { Caller_Kind } from "../gen/troupe/v1/invocation_pb.ts";
import { eachField, readInvocation, type TurnTokens } from "./invocation-message.ts";

const text = fc.string({ unit: "binary", maxLength: 60 });
const payload = fc.record({ type: text, data: fc.uint8Array({ maxLength: 200 }) });
const map = fc.dictionary(
  text.filter((name) => name !== "__proto__"),
  text,
  { maxKeys: 4 },
);
const actor = fc.record({ system: text, type: text, key: text });
const turn = fc.record({
  turnId: fc.maxSafeNat(),
  action: text,
  payload,
  caller: fc.record({
    id: text,
    roles: fc.array(text, { maxLength: 3 }),
    actor: fc.option(actor, { nil: undefined }),
  }),
  metadata: map,
  leftMs: fc.nat(100_000),
  requestId: text,
  attempt: fc.nat(9),
  turnToken: text,
});
const invocation = fc.record({
  id: fc.maxSafeNat(),
  actor,
  state: fc.option(payload, { nil: undefined }),
  revision: fc.maxSafeNat(),
  epoch: fc.maxSafeNat(),
  tags: map,
  keepStates: fc.boolean(),
  turns: fc.array(turn, { maxLength: 3 }),
});
type Shape = typeof invocation extends fc.Arbitrary<infer One> ? One : never;

/** As the library writes it, inside a request, with a field of a later version in front. */
function encoded({
  id,
  actor,
  state,
  revision,
  epoch,
  tags,
  keepStates,
  turns,
}: Shape): Uint8Array {
  const message = {
    id: BigInt(id),
    actor,
    revision: BigInt(revision),
    epoch: BigInt(epoch),
    tags,
    keepStates,
    ...(state && { state }),
    turns: turns.map(({ turnId, leftMs, caller: { actor: from, ...caller }, ...rest }) => ({
      ...rest,
      turnId: BigInt(turnId),
      timeout: durationFromMs(leftMs),
      caller: { ...caller, kind: Caller_Kind.CLIENT, ...(from && { actor: from }) },
    })),
  };
  const bytes = toBinary(
    ExecuteRequestSchema,
    create(ExecuteRequestSchema, { invocations: [message] }),
  );
  return Buffer.concat([new Uint8Array([0xfa, 0x07, 2, 9, 9]), bytes]);
}

function read(bytes: Uint8Array, tokens: TurnTokens = new WeakMap()) {
  const reader = new BinaryReader(bytes);
  const found: ReturnType<typeof readInvocation>[] = [];
  eachField(reader, bytes.length, (tag) => {
    if (tag !== 0x0a) return false;
    found.push(readInvocation(reader, 1000, tokens));
    return true;
  });
  return found;
}

test("an invocation is read as the library wrote it", () => {
  fc.assert(
    fc.property(invocation, (shape) => {
      const tokens: TurnTokens = new WeakMap();
      const [found] = read(encoded(shape), tokens);
      const turns = shape.turns.map(
        ({ turnId, attempt, leftMs, turnToken: _, caller, ...call }) => {
          const { actor: from, ...rest } = caller;
          const who = { kind: "client", ...rest, ...(from && { actor: from }) };
          const more = {
            caller: who,
            actor: shape.actor,
            chain: [],
            deadlineMs: 1000 + leftMs,
            trace: undefined,
            hops: 0,
          };
          return { turnId, attempt, invocation: { ...call, ...more } };
        },
      );
      expect(JSON.stringify(found?.turns.map((one) => tokens.get(one)))).toBe(
        JSON.stringify(shape.turns.map(({ turnToken }) => turnToken)),
      );
      const plain = { ...found, turns: found?.turns };
      expect(plain).toEqual({ ...shape, turns } as never);
    }),
    { numRuns: 300 },
  );
});

test("broken bytes throw and never hang", () => {
  fc.assert(
    fc.property(invocation, fc.nat(), fc.nat(255), (shape, at, value) => {
      const bytes = Buffer.from(encoded(shape));
      bytes[at % bytes.length] = value;
      try {
        expect(read(bytes)).toBeArray();
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
    { numRuns: 1000 },
  );
});
