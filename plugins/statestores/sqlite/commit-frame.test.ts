import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ActorCommit, CommitResult } from "../../../src/contract/index.ts";
import { decodeBatch, decodeResults, encodeBatch, encodeResults } from "./commit-frame.ts";
import { FrameReader, FrameWriter } from "./frame.ts";

const text = fc.string({ unit: "grapheme", maxLength: 120 });
const bytes = fc.uint8Array({ maxLength: 300 });
const integer = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const state = fc.record({ data: bytes, type: text });
const tags = fc.dictionary(text, text, { maxKeys: 3 });
const actor = fc.record({ system: text, type: text, key: text });

const commit: fc.Arbitrary<ActorCommit> = fc.record({
  actor,
  handle: integer,
  epoch: integer,
  baseRevision: fc.nat(),
  revision: integer,
  change: fc.oneof(
    fc.record({ kind: fc.constant("keep" as const) }),
    fc.record({ kind: fc.constant("remove" as const) }),
    fc.record({ kind: fc.constant("set" as const), state, tags }),
  ),
  dedup: fc.array(fc.record({ requestId: text, digest: bytes, revision: integer, reply: bytes }), {
    maxLength: 3,
  }),
  outbox: fc.array(
    fc.record({
      id: text,
      revision: integer,
      index: fc.nat(),
      target: actor,
      action: text,
      body: bytes,
      delayMs: fc.nat(),
    }),
    { maxLength: 3 },
  ),
  schedules: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("cancel" as const), name: text }),
      fc.record({
        kind: fc.constant("set" as const),
        name: text,
        dueMs: integer,
        repeat: text,
        action: text,
        body: bytes,
      }),
    ),
    { maxLength: 3 },
  ),
  history: fc.array(
    fc.record({
      revision: integer,
      state: fc.option(state, { nil: undefined }),
      tags,
      action: text,
    }),
    { maxLength: 3 },
  ),
  historyPolicy: fc.oneof(
    fc.constantFrom({ kind: "none" as const }, { kind: "all" as const }),
    fc.record({ kind: fc.constant("last" as const), count: fc.nat() }),
    fc.record({ kind: fc.constant("duration" as const), ms: integer }),
  ),
});

describe("commit frames", () => {
  test("any batch comes back, whatever buffer it was written over", () => {
    fc.assert(
      fc.property(fc.array(commit, { maxLength: 4 }), integer, (commits, callId) => {
        const dirty = new Uint8Array(64).fill(0xff).buffer;
        const batch = decodeBatch(encodeBatch(callId, { sessionId: 5, commits }, dirty));
        expect(batch).toMatchObject({ callId, sessionId: 5 });
        expect(batch.commits).toHaveLength(commits.length);
        for (const [index, { change, schedules, history, ...same }] of commits.entries()) {
          const read = batch.commits[index];
          const { actor: _actor, ...expected } = same;
          expect(read).toMatchObject(expected);
          const kept = change.kind === "keep" || same.revision === same.baseRevision;
          const written = change.kind === "set" ? change.state : undefined;
          expect(read?.written === undefined).toBe(kept);
          if (!kept) expect(read?.written?.state).toEqual(written);
          expect(read?.schedules.map(({ name }) => name)).toEqual(
            schedules.map(({ name }) => name),
          );
          expect(read?.history.map((entry) => entry.state)).toEqual(
            history.map((entry) => entry.state),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test("results come back in the buffer that asked", () => {
    const results: CommitResult[] = ["committed", "fenced", "conflict", "committed"];
    const frame = new ArrayBuffer(64);
    expect(decodeResults(encodeResults(7, results, frame))).toEqual({ callId: 7, results });
    const many = Array.from({ length: 500 }, () => "committed" as const);
    expect(decodeResults(encodeResults(8, many, new ArrayBuffer(8))).results).toHaveLength(500);
  });

  test("any bytes are read or refused, and nothing else happens", () => {
    const refused = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
      }
    };
    const whole = fc.sample(commit, 20);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (raw) => {
        refused(() => decodeBatch(Uint8Array.from(raw).buffer));
        refused(() => decodeResults(Uint8Array.from(raw).buffer));
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const frame = encodeBatch(1, { sessionId: 1, commits: whole }, new ArrayBuffer(0));
        const damaged = new Uint8Array(frame);
        damaged[at % damaged.length] = (damaged[at % damaged.length] ?? 0) ^ flip;
        refused(() => decodeBatch(frame));
        refused(() => decodeBatch(frame.slice(0, at % frame.byteLength)));
      }),
      { numRuns: 500 },
    );
  });

  test("repeated names are written once", () => {
    const writer = new FrameWriter(new ArrayBuffer(4));
    for (const name of ["application/json", "x", "application/json", "x"]) writer.name(name);
    const reader = new FrameReader(writer.take());
    const names = [reader.name(), reader.name(), reader.name(), reader.name()];
    expect(names).toEqual(["application/json", "x", "application/json", "x"]);
  });
});
