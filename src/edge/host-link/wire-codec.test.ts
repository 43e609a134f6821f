import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import type { Caller } from "../../domain/invocation.ts";
import type { HostInvocation, HostTurn } from "../../domain/turn.ts";
import { InvocationResultSchema, InvocationSchema } from "../../gen/troupe/v1/host_pb.ts";
import { Caller_Kind } from "../../gen/troupe/v1/invocation_pb.ts";
import { ProtoReader, WireError } from "../wire/reader.ts";
import { ProtoWriter } from "../wire/writer.ts";
import { writeInvocation } from "./wire-invocation.ts";
import { type RawResult, readResult } from "./wire-result.ts";

const RUNS = { numRuns: 300 };
const text = fc.string({ unit: "binary", maxLength: 80 });
const number = fc.oneof(fc.nat(), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 300 });
const payload = fc.record({ type: text, data: bytes });
const map = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  text,
  { maxKeys: 4 },
);
const actor = fc.record({ system: text, type: text, key: text });
const caller: fc.Arbitrary<Caller> = fc.record(
  {
    kind: fc.constantFrom("anonymous", "client", "host", "peer", "admin", "system"),
    id: text,
    roles: fc.array(text, { maxLength: 3 }),
    actor,
  },
  { requiredKeys: ["kind", "id", "roles"] },
);
const hostTurn = fc.record({
  turnId: number,
  attempt: fc.nat(9),
  action: text,
  payload,
  requestId: text,
  metadata: map,
  caller,
  leftMs: fc.integer({ min: -10, max: 100_000 }),
  traced: fc.boolean(),
});

const KINDS: Readonly<Record<Caller["kind"], Caller_Kind>> = {
  anonymous: Caller_Kind.ANONYMOUS,
  client: Caller_Kind.CLIENT,
  host: Caller_Kind.HOST,
  peer: Caller_Kind.PEER,
  admin: Caller_Kind.ADMIN,
  system: Caller_Kind.SYSTEM,
};

/** `bytes` as the one field of an outer message, which is how the readers meet it. */
function nested(bytes: Uint8Array): ProtoReader {
  const writer = new ProtoWriter();
  writer.presentBytes(1, bytes);
  const reader = new ProtoReader(writer.finish(), { depth: 16, elements: 10_000 });
  reader.tag();
  return reader;
}

describe("an invocation", () => {
  test("is read by the library as it was meant", () => {
    const shape = fc.record({
      id: number,
      actor,
      state: fc.option(payload, { nil: undefined }),
      revision: number,
      epoch: number,
      tags: map,
      keepStates: fc.boolean(),
      turns: fc.array(hostTurn, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(shape, (shape) => {
        const turns = shape.turns.map(({ turnId, attempt, leftMs, traced, ...call }): HostTurn => {
          const trace = {
            traceparent: "00-a-b-01",
            tracestate: "x=y",
            begin: () => undefined,
            end: () => undefined,
          };
          const invocation = {
            ...call,
            actor: shape.actor,
            chain: [],
            deadlineMs: 1000 + leftMs,
            hops: 0,
          };
          return {
            turnId,
            attempt,
            invocation: { ...invocation, trace: traced ? trace : undefined },
          };
        });
        const writer = new ProtoWriter(8);
        const invocation: HostInvocation = { ...shape, turns };
        writeInvocation(writer, 1, invocation, { now: 1000, token: (id) => `t${id}` });
        const reader = new ProtoReader(writer.finish());
        reader.tag();
        const read = fromBinary(InvocationSchema, reader.view());

        const plain = {
          id: Number(read.id),
          revision: Number(read.revision),
          epoch: Number(read.epoch),
          tags: read.tags,
        };
        expect(plain).toEqual({
          id: shape.id,
          revision: shape.revision,
          epoch: shape.epoch,
          tags: shape.tags,
        });
        expect(read.actor).toMatchObject(shape.actor);
        expect(
          read.state === undefined ? undefined : { type: read.state.type, data: read.state.data },
        ).toEqual(shape.state);
        for (const [at, turn] of read.turns.entries()) {
          const wanted = shape.turns[at];
          if (wanted === undefined) throw new Error("there is a turn too many");
          expect(Number(turn.turnId)).toBe(wanted.turnId);
          expect(turn).toMatchObject({
            action: wanted.action,
            requestId: wanted.requestId,
            attempt: wanted.attempt,
          });
          expect(turn.metadata).toEqual(wanted.metadata);
          expect(Buffer.compare(turn.payload?.data ?? new Uint8Array(0), wanted.payload.data)).toBe(
            0,
          );
          expect(turn.payload?.type ?? "").toBe(wanted.payload.type);
          expect(turn.timeout && durationMs(turn.timeout)).toBe(Math.max(0, wanted.leftMs));
          expect(turn.caller).toMatchObject({
            kind: KINDS[wanted.caller.kind],
            id: wanted.caller.id,
            roles: wanted.caller.roles,
          });
          expect(turn.caller?.actor === undefined).toBe(wanted.caller.actor === undefined);
          expect(turn.trace?.traceparent).toBe(wanted.traced ? "00-a-b-01" : undefined);
          expect(turn.turnToken).toBe(`t${wanted.turnId}`);
        }
        expect(read.turns).toHaveLength(shape.turns.length);
      }),
      RUNS,
    );
  });

  test("gives the same idempotency key in every attempt at a call with a request id", () => {
    const call = {
      action: "pay",
      payload: { type: "", data: new Uint8Array(0) },
      metadata: {},
      chain: [],
      deadlineMs: 0,
      hops: 0,
    };
    const id = { system: "s", type: "t", key: "k" };
    const keyOf = (turnId: number, attempt: number, epoch: number, requestId: string): string => {
      const invocation = {
        ...call,
        actor: id,
        requestId,
        caller: { kind: "client", id: "c", roles: [] } as Caller,
        trace: undefined,
      };
      const writer = new ProtoWriter();
      const turns = [{ turnId, attempt, invocation }];
      const whole = {
        id: 1,
        actor: id,
        state: undefined,
        revision: 0,
        epoch,
        tags: {},
        keepStates: false,
        turns,
      };
      writeInvocation(writer, 1, whole, { now: 0, token: () => "" });
      const reader = new ProtoReader(writer.finish());
      reader.tag();
      return fromBinary(InvocationSchema, reader.view()).turns[0]?.idempotencyKey ?? "";
    };
    expect(keyOf(1, 1, 1, "r")).toBe(keyOf(2, 2, 9, "r"));
    expect(keyOf(1, 1, 1, "")).not.toBe(keyOf(2, 1, 1, ""));
    expect(keyOf(1, 1, 1, "")).not.toBe(keyOf(1, 1, 2, ""));
  });
});

const failure = fc.record({
  code: fc.string({ minLength: 1, maxLength: 20 }),
  message: fc.string({ maxLength: 100 }),
});
const outcome = fc.record({
  turnId: number,
  reply: fc.option(payload, { nil: undefined }),
  error: fc.option(failure, { nil: undefined }),
  changed: fc.boolean(),
  checkpoints: fc.nat(3),
  state: fc.option(payload, { nil: undefined }),
  metadata: map,
});
const result = fc.record({
  id: number,
  outcomes: fc.array(outcome, { maxLength: 4 }),
  state: fc.option(payload, { nil: undefined }),
  tags: fc.option(
    fc.record({ set: map, remove: fc.array(text, { maxLength: 3 }), replace: fc.boolean() }),
    { nil: undefined },
  ),
  error: fc.option(failure, { nil: undefined }),
});

type ResultShape = typeof result extends fc.Arbitrary<infer Shape> ? Shape : never;

/** The shape as the library writes it. */
function encoded(shape: ResultShape): Uint8Array {
  const outcomes = shape.outcomes.map(
    ({ turnId, reply, error, changed, checkpoints, state, metadata }) => ({
      turnId: BigInt(turnId),
      changed,
      metadata,
      effects: Array.from({ length: checkpoints }, () => ({
        effect: { case: "checkpoint" as const, value: {} },
      })),
      ...(reply && { reply }),
      ...(error && { error }),
      ...(state && { state }),
    }),
  );
  const { id, state, tags, error } = shape;
  const rest = { ...(state && { state }), ...(tags && { tags }), ...(error && { error }) };
  return toBinary(
    InvocationResultSchema,
    create(InvocationResultSchema, { id: BigInt(id), outcomes, ...rest }),
  );
}

type PayloadShape = { readonly type: string; readonly data: Uint8Array } | undefined;
const orNone = (found: PayloadShape): PayloadShape =>
  found === undefined || (found.type === "" && found.data.length === 0) ? undefined : found;
const orEmpty = (found: PayloadShape): PayloadShape =>
  orNone(found) ?? { type: "", data: new Uint8Array(0) };

const tagsOrNone = (tags: ResultShape["tags"]): ResultShape["tags"] => {
  const empty = tags !== undefined && !tags.replace && tags.remove.length === 0;
  return empty && Object.keys(tags.set).length === 0 ? undefined : tags;
};

/** The shape as our reader should give it. */
function expected({ id, outcomes, state, tags, error }: ResultShape): RawResult {
  return {
    id,
    outcomes: outcomes.map((one) => ({
      turnId: one.turnId,
      reply: orEmpty(one.reply) as RawResult["outcomes"][number]["reply"],
      failure: one.error,
      changed: one.changed,
      effects: Array.from({ length: one.checkpoints }, () => ({ kind: "checkpoint" as const })),
      fanOut: false,
      state: orNone(one.state),
      metadata: one.metadata,
    })),
    state: orNone(state),
    tags: tagsOrNone(tags),
    failure: error,
  };
}

describe("a result", () => {
  test("is read as the library wrote it, with unknown fields passed over", () => {
    fc.assert(
      fc.property(result, (shape) => {
        const unknown = new Uint8Array([0xfa, 0x07, 2, 9, 9, 0xf8, 0x07, 1]);
        const bytes = Buffer.concat([unknown, encoded(shape), unknown]);
        expect(readResult(nested(bytes), 1000)).toEqual(expected(shape));
      }),
      RUNS,
    );
  });

  test("broken bytes throw a WireError and nothing else", () => {
    const broken = fc.tuple(
      result,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      fc.nat(),
    );
    fc.assert(
      fc.property(broken, ([shape, changes, cut]) => {
        const bytes = Buffer.from(encoded(shape));
        if (bytes.length === 0) return;
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          readResult(nested(bytes.subarray(0, cut % (bytes.length + 1))), 1000);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("effects beyond the limit are counted and not kept", () => {
    const effects = Array.from({ length: 10_001 }, () => ({
      effect: { case: "checkpoint" as const, value: {} },
    }));
    const bytes = toBinary(
      InvocationResultSchema,
      create(InvocationResultSchema, { id: 1n, outcomes: [{ effects }] }),
    );
    const [read] = readResult(nested(bytes), 1000).outcomes;
    expect([read?.fanOut, read?.effects.length]).toEqual([true, 1000]);
  });

  test("a host's texts are cut to a bounded length", () => {
    const error = { code: "c".repeat(1000), message: "m".repeat(100_000) };
    const bytes = toBinary(InvocationResultSchema, create(InvocationResultSchema, { error }));
    const { failure } = readResult(nested(bytes), 1000);
    expect([failure?.code.length, failure?.message.length]).toEqual([64, 4096]);
  });
});
