import { beforeEach, describe, expect, test } from "bun:test";
import {
  ANONYMOUS,
  type CallSignal,
  type CallTrace,
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  type Invocation,
  type Reply,
} from "../../domain/invocation.ts";
import type { HostGate, HostLink, RunningTurn } from "../../node/host-port.ts";
import type { CallReply, CallTuple } from "./actor-frames.ts";
import { ThreadCalls } from "./thread-calls.ts";

const trace = (traceparent: string): CallTrace => ({
  traceparent,
  tracestate: "",
  begin: () => undefined,
  end: () => undefined,
});

const ORIGIN: Invocation = {
  actor: { system: "default", type: "cart", key: "ann" },
  action: "order",
  payload: EMPTY_PAYLOAD,
  requestId: "",
  metadata: EMPTY_MAP,
  caller: ANONYMOUS,
  chain: [],
  deadlineMs: 1_000,
  trace: trace("outer"),
  hops: 0,
};

const call = (id: number, turnId = 1, timeoutMs = 60_000): CallTuple => {
  const target = { system: "default", type: "stock", key: "tea" };
  return [id, turnId, target, "take", ["", new Uint8Array(0)], EMPTY_MAP, "", timeoutMs];
};

describe("calls of a thread", () => {
  let made: { readonly invocation: Invocation; readonly signal: CallSignal }[] = [];
  let answers: CallReply[] = [];
  let ended: [string, string][] = [];
  let settle: (reply: Reply) => void = () => undefined;
  let calls: ThreadCalls;

  beforeEach(() => {
    made = [];
    answers = [];
    ended = [];
    const turns = new Map<string, RunningTurn>([
      ["1", { actorPath: "default/cart/ann", invocation: ORIGIN }],
    ]);
    const gate = {
      turn: (token: string) => turns.get(token),
      token: (_link: HostLink, turnId: number) => String(turnId),
    } as unknown as HostGate;
    const world = {
      gate,
      invoker: {
        invoke: (invocation: Invocation, signal: CallSignal): Promise<Reply> => {
          made.push({ invocation, signal });
          return new Promise((resolve) => {
            settle = resolve;
          });
        },
      },
      clock: { now: () => 400, wallMs: () => 0, setTimer: () => () => undefined, defer: () => {} },
      checkCall: () => undefined,
      trace: {
        start: (parent: string, _state: string, name: string) => trace(`${parent}>${name}`),
        end: (span: CallTrace, code: string) => ended.push([span.traceparent, code]),
      },
    };
    calls = new ThreadCalls(world, {} as HostLink, (reply) => answers.push(reply));
  });

  test("have no more time than their turn, and belong to its trace", async () => {
    calls.make(call(7));
    calls.make(call(8, 1, 100));
    expect(made.map(({ invocation }) => invocation.deadlineMs)).toEqual([1_000, 500]);
    settle({ payload: EMPTY_PAYLOAD, revision: 1, durable: true, replayed: false, metadata: {} });
    await Promise.resolve();
    expect(answers).toMatchObject([[8, ["", new Uint8Array(0)], undefined]]);
    expect(ended).toEqual([["outer>stock/take", "ok"]]);
  });

  test("of a turn that is over are refused", () => {
    calls.make(call(7, 2));
    expect(made).toEqual([]);
    expect(answers).toMatchObject([[7, undefined, { message: "the turn is over" }]]);
  });

  test("are bounded", () => {
    for (let id = 0; id < 1_001; id += 1) calls.make(call(id));
    expect(made).toHaveLength(1_000);
    expect(answers).toMatchObject([[1_000, undefined, { code: "resource_exhausted" }]]);
  });

  test("are taken back with their thread and answer nobody then", async () => {
    calls.make(call(7));
    calls.cancelAll();
    expect(made[0]?.signal.aborted).toBe(true);
    settle({ payload: EMPTY_PAYLOAD, revision: 1, durable: true, replayed: false, metadata: {} });
    await Promise.resolve();
    expect(answers).toEqual([]);
  });
});
