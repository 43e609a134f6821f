import { expect, test } from "bun:test";
import type { ActorTypeSpec } from "../../domain/actor.ts";
import { ANONYMOUS, EMPTY_MAP, type Invocation, JSON_TYPE } from "../../domain/invocation.ts";
import type { HostResult } from "../../domain/turn.ts";
import { Activation } from "./activation.ts";
import { Call } from "./call.ts";
import type { ActivationInput } from "./effects.ts";

const ACTOR = { system: "default", type: "thing", key: "k" };
const SPEC: ActorTypeSpec = {
  system: "default",
  type: "thing",
  kind: "named",
  stateful: true,
  durability: "commit",
  actions: [],
  openActions: true,
  deactivationTimeoutMs: 60_000,
  reentrant: false,
  reads: "fenced",
  history: { kind: "none" },
  stateType: "",
  mailboxCalls: 10,
  mailboxBytes: 1_000_000,
};

const bytes = (size: number): Uint8Array => new Uint8Array(size);
const payload = () => ({ type: JSON_TYPE, data: bytes(10) });

/** An activation that has answered one call and is idle, with that call. */
function idle(): { readonly activation: Activation; readonly call: WeakRef<Call> } {
  const activation = new Activation(ACTOR, {
    spec: SPEC,
    fenceReads: false,
    chainedTurns: 4,
    chainDepth: 4,
    aheadTurns: 4,
    aheadBytes: 1_000_000,
    turn: { stateBytes: 1_000, effectsPerTurn: 2, maxRevision: 1_000, shreds: true },
  });
  const invocation: Invocation = {
    actor: ACTOR,
    action: "add",
    payload: payload(),
    requestId: "r-1",
    metadata: EMPTY_MAP,
    caller: ANONYMOUS,
    chain: [],
    deadlineMs: 1_000,
    trace: undefined,
    hops: 0,
  };
  const answered: string[] = [];
  const sink = { resolve: () => answered.push("ok"), reject: () => answered.push("refused") };
  const call = new Call(1, invocation, bytes(32), sink);
  const step = (input: ActivationInput): void => {
    for (const effect of activation.step(input, 0)) {
      if (effect.kind === "reply") effect.call.settle.resolve(effect.reply);
    }
  };
  const claimed = { handle: 1, epoch: 1, revision: 0, state: undefined, tags: EMPTY_MAP };
  step({ kind: "invoke", call });
  step({ kind: "claimed", claimed: { ...claimed, existed: true, requestIds: [] } });
  const outcome = { turnId: 1, failure: undefined, reply: payload(), metadata: EMPTY_MAP };
  const result: HostResult = {
    id: 1,
    outcomes: [{ ...outcome, changed: true, effects: [] }],
    state: payload(),
    tags: undefined,
    failure: undefined,
  };
  step({ kind: "executed", result });
  activation.take();
  step({ kind: "settled", outcome: { kind: "committed" } });
  expect(answered).toEqual(["ok"]);
  return { activation, call: new WeakRef(call) };
}

// Many of them, and not all must be gone: the collector may take what lies on the stack for a
// reference, or leave some for its next round. An activation that holds on does so every time.
test("an idle activation holds on to its state and to nothing of its last call", async () => {
  const all = Array.from({ length: 400 }, idle);
  await new Promise<void>((resolve) => setImmediate(resolve));
  Bun.gc(true);
  const held = all.filter(({ call }) => call.deref() !== undefined);
  expect(all.every(({ activation }) => activation.committed.revision === 1)).toBe(true);
  expect(held.length).toBeLessThan(200);
});
