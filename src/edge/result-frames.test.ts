import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ServerError } from "../domain/error.ts";
import { EMPTY_MAP, type Reply } from "../domain/invocation.ts";
import { InvokeStreamResponseSchema } from "../gen/troupe/v1/actor_pb.ts";
import { ResultFrames } from "./result-frames.ts";

const MESSAGE_BYTES = 1_000;
const silent = (): void => undefined;

function replyOf(data: Uint8Array): Reply {
  const payload = { type: "x", data };
  return { payload, revision: 1, durable: true, replayed: false, metadata: EMPTY_MAP };
}

/** Ids and the first byte of each reply of the next frame. */
function taken(frames: ResultFrames): (readonly [bigint, number | undefined])[] | undefined {
  const frame = frames.take();
  if (frame === undefined) return undefined;
  const { results } = fromBinary(InvokeStreamResponseSchema, frame.bytes);
  expect(results).toHaveLength(frame.count);
  return results.map(({ id, result }) => [
    id,
    result.case === "response" ? result.value.payload?.data[0] : undefined,
  ]);
}

test("results that share a state are copied when their frame is taken, and no sooner", () => {
  const frames = new ResultFrames(MESSAGE_BYTES, 0, silent);
  const state = new Uint8Array(300);
  for (let id = 1; id <= 100; id += 1) frames.reply(id, replyOf(state));
  expect(frames.bytes).toBeLessThan(100 * 300);
  state[0] = 7;
  expect(taken(frames)).toEqual([[1n, 0]]);
  state[0] = 8;
  // One frame is made ahead; all that come later see what the state is by then.
  expect(taken(frames)).toEqual([[2n, 7]]);
  expect(taken(frames)).toEqual([[3n, 8]]);
  for (let id = 4; id <= 100; id += 1) expect(taken(frames)?.[0]?.[0]).toBe(BigInt(id));
  expect([taken(frames), frames.bytes]).toEqual([undefined, 0]);
});

test("results with data of their own count whole, each until it is taken", () => {
  const frames = new ResultFrames(MESSAGE_BYTES, 0, silent);
  for (let id = 1; id <= 100; id += 1) frames.reply(id, replyOf(new Uint8Array(600)));
  expect(frames.bytes).toBeGreaterThanOrEqual(100 * 600);
  for (let id = 1; id <= 90; id += 1) frames.take();
  expect(frames.bytes).toBeGreaterThanOrEqual(10 * 600);
  expect(frames.bytes).toBeLessThan(11 * 700);
});

test("small results and refusals share frames, in their order", () => {
  const frames = new ResultFrames(MESSAGE_BYTES, 0, silent);
  const away = new ServerError("mailbox.full", "full", "not_started");
  for (let id = 1; id <= 5; id += 1) frames.reply(id, replyOf(new Uint8Array(10)));
  frames.refuse(6, away);
  frames.reply(7, replyOf(new Uint8Array(10)));
  expect(taken(frames)?.map(([id]) => id)).toEqual([1n, 2n, 3n, 4n, 5n]);
  expect(taken(frames)?.map(([id]) => id)).toEqual([6n, 7n]);
  for (let id = 1; id <= 10_000; id += 1) frames.refuse(id, away);
  // Refusals that nobody reads count, so that whoever holds them can be cut off.
  expect(frames.bytes).toBeGreaterThan(10_000 * 100);
});

test("a result that cannot be written is a refusal, and the others stay whole", () => {
  const frames = new ResultFrames(MESSAGE_BYTES, 0, silent);
  const poison = { ...replyOf(new Uint8Array(1)), revision: Number.NaN };
  Object.defineProperty(poison, "metadata", {
    get: () => {
      throw new Error("a bug");
    },
  });
  frames.reply(1, replyOf(new Uint8Array(1)));
  frames.reply(2, poison);
  frames.reply(3, replyOf(new Uint8Array(1)));
  expect(taken(frames)).toEqual([
    [1n, 0],
    [2n, undefined],
    [3n, 0],
  ]);
});
