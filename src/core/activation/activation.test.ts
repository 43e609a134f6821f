import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { madeCall } from "../../../test/support/made-call.ts";
import type { ActorTypeSpec } from "../../domain/actor.ts";
import { ServerError } from "../../domain/error.ts";
import { EMPTY_MAP, EMPTY_PAYLOAD } from "../../domain/invocation.ts";
import type { HostInvocation } from "../../domain/turn.ts";
import { Prng } from "../../../test/support/prng.ts";
import { Activation } from "./activation.ts";
import type { Call } from "./call.ts";
import type { ActivationEffect, ActivationInput, CommitOutcome } from "./effects.ts";
import type { StagedCommit } from "./staged.ts";

const MAILBOX = 6;
const SPEC: ActorTypeSpec = {
  system: "default",
  type: "thing",
  kind: "unnamed",
  stateful: true,
  durability: "commit",
  actions: [{ name: "read", readOnly: true }],
  openActions: true,
  deactivationTimeoutMs: 50,
  reentrant: false,
  reads: "fenced",
  history: { kind: "none" },
  stateType: "",
  mailboxCalls: MAILBOX,
  mailboxBytes: 1_000_000,
};

const ACTOR = { system: "default", type: "thing", key: "k" };
const UNAVAILABLE = new ServerError("state.unavailable", "away", "not_applied");

/** A world of one actor: answers whatever the activation asks, in any order and with any outcome. */
class AnyWorld {
  readonly activation = new Activation(ACTOR, {
    spec: SPEC,
    fenceReads: true,
    chainedTurns: 3,
    chainDepth: 4,
    aheadTurns: 4,
    aheadBytes: 1_000_000,
    turn: { stateBytes: 1_000, effectsPerTurn: 2, maxRevision: 1_000_000, shreds: true },
  });
  readonly calls: Call[] = [];
  readonly answers = new Map<Call, string[]>();
  readonly #random: Prng;
  #nowMs = 0;
  #epoch = 0;
  #revision = 0;
  readonly #recorded = new Set<string>();
  /** What was asked and not answered. */
  #asked: ActivationEffect[] = [];
  #atHost: HostInvocation[] = [];
  #commit: StagedCommit | undefined;
  ended = false;

  constructor(seed: number) {
    this.#random = new Prng(seed);
  }

  /** Something happens: a call, an answer, a deadline, a timer, an end. */
  tick(): void {
    this.#nowMs += this.#random.below(10);
    const draw = this.#random.below(100);
    if (draw < 30) this.#invoke();
    else if (draw < 50) this.#answerHost();
    else if (draw < 75) this.#answerStore();
    else if (draw < 95) this.#settle();
    else if (draw < 97) this.#expire();
    else if (draw < 99) this.#step({ kind: "timer", timer: { kind: "idle", token: 0 } });
    else if (this.#random.unit() < 0.1) this.#step({ kind: "fenced" });
    else if (this.#random.unit() < 0.1)
      this.#step({ kind: "drain", waiting: this.#random.unit() < 0.5 ? "finish" : "hand-back" });
  }

  /** No more calls: everything that was asked is answered, until the activation is over. */
  finish(): void {
    this.#step({ kind: "drain", waiting: UNAVAILABLE });
    for (let i = 0; i < 10_000 && !this.ended; i += 1) {
      this.#answerHost();
      this.#answerStore();
      this.#settle();
      this.#expire();
    }
  }

  #invoke(): void {
    const random = this.#random;
    const requestId = random.unit() < 0.5 ? `id-${random.below(8)}` : "";
    const action = random.pick(["change", "change", "read", "get"]);
    const deadlineMs = this.#nowMs + random.below(200);
    const call = madeCall(
      this.calls.length + 1,
      { requestId, action, deadlineMs },
      random.below(5),
    );
    this.calls.push(call);
    this.#step({ kind: "invoke", call });
  }

  #answerHost(): void {
    const invocation = this.#atHost.shift();
    if (invocation === undefined) return;
    const random = this.#random;
    const { id, turns } = invocation;
    if (random.unit() < 0.1) {
      return this.#step({ kind: "not-executed", invocationId: id, error: UNAVAILABLE });
    }
    const outcomes = turns.map(({ turnId, invocation: { action } }) => ({
      turnId,
      failure: random.unit() < 0.1 ? { code: "no", message: "refused" } : undefined,
      reply: EMPTY_PAYLOAD,
      metadata: EMPTY_MAP,
      changed: action === "change" || random.unit() < 0.05,
      effects: [],
    }));
    const state = EMPTY_PAYLOAD;
    const given = random.unit() < 0.05 ? outcomes.slice(1) : outcomes;
    const result = { id, outcomes: given, state, tags: undefined, failure: undefined };
    this.#step({ kind: "executed", result });
  }

  #answerStore(): void {
    const effect = this.#asked.shift();
    if (effect === undefined) return;
    if (effect.kind === "stage") this.#commit = this.activation.take() ?? this.#commit;
    const answer = this.#random.unit() < 0.15 ? failed(effect) : this.#answered(effect);
    if (answer !== undefined) this.#step(answer);
  }

  #answered(effect: ActivationEffect): ActivationInput | undefined {
    switch (effect.kind) {
      case "claim": {
        // Now and then another node has been there.
        this.#epoch += this.#random.unit() < 0.1 ? 2 : 1;
        const [epoch, revision] = [this.#epoch, this.#revision];
        const requestIds = this.#random.unit() < 0.3 ? undefined : [...this.#recorded];
        const row = { handle: 1, epoch, revision, tags: EMPTY_MAP, existed: true };
        const claimed = { ...row, state: undefined, requestIds };
        return { kind: "claimed", claimed };
      }
      case "fence":
        return { kind: "fence-read", token: effect.token, epoch: this.#epoch };
      case "lookup":
        return { kind: "found", call: effect.call, found: undefined };
      case "schedule":
        return { kind: "timer", timer: effect.timer };
      default:
        return undefined;
    }
  }

  #settle(): void {
    const commit = this.#commit;
    if (commit === undefined) return;
    this.#commit = undefined;
    const applies = commit.epoch === this.#epoch && this.#random.unit() < 0.85;
    if (applies) {
      expect(commit.baseRevision).toBe(this.#revision);
      this.#revision = commit.revision;
      for (const { requestId } of commit.replies) this.#recorded.add(requestId);
    }
    this.#step({ kind: "settled", outcome: this.#outcome(applies, commit.epoch) });
  }

  #outcome(applies: boolean, epoch: number): CommitOutcome {
    if (this.#random.unit() < 0.2) return { kind: "unknown", error: UNAVAILABLE };
    if (applies) return { kind: "committed" };
    if (epoch !== this.#epoch) return { kind: "fenced" };
    return this.#random.pick([{ kind: "conflict" }, { kind: "failed", error: UNAVAILABLE }]);
  }

  #expire(): void {
    const call = this.calls.find(({ phase, dueMs }) => phase !== "done" && dueMs <= this.#nowMs);
    const error = new ServerError("call.deadline", "late", "unknown");
    if (call !== undefined) this.#step({ kind: "expired", call, error });
    this.#nowMs += 1;
  }

  #step(input: ActivationInput): void {
    const effects = this.activation.step(input, this.#nowMs);
    for (const effect of effects) {
      if (effect.kind === "reply" || effect.kind === "reject") this.#heard(effect);
      else if (effect.kind === "requeue") {
        effect.call.phase = "done";
        this.#heard({ kind: "reject", call: effect.call, error: UNAVAILABLE });
      } else if (effect.kind === "execute") this.#execute(effect.invocation);
      else if (effect.kind === "ended") this.ended = true;
      else this.#asked.push(effect);
    }
    expect(this.activation.queued).toBeLessThanOrEqual(MAILBOX);
  }

  #execute(invocation: HostInvocation): void {
    expect(this.#atHost).toEqual([]);
    expect(invocation.epoch).toBe(this.activation.epoch);
    this.#atHost.push(invocation);
  }

  #heard(effect: Extract<ActivationEffect, { kind: "reply" | "reject" }>): void {
    const heard = this.answers.get(effect.call) ?? [];
    this.answers.set(effect.call, heard);
    heard.push(effect.kind);
    if (effect.kind === "reply") {
      expect(effect.reply.revision).toBeLessThanOrEqual(this.#revision);
    }
  }
}

/** The answer of a store that is away. */
function failed(effect: ActivationEffect): ActivationInput | undefined {
  const error = UNAVAILABLE;
  switch (effect.kind) {
    case "claim":
      return { kind: "claim-failed", error };
    case "fence":
      return { kind: "fence-failed", token: effect.token, error };
    case "lookup":
      return { kind: "lookup-failed", call: effect.call, error };
    case "schedule":
      return { kind: "timer", timer: effect.timer };
    default:
      return undefined;
  }
}

describe("an activation, whatever its host, its store and its callers do", () => {
  test("answers every call once, after its commit, one invocation at a time", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 400 }), (seed, ticks) => {
        const world = new AnyWorld(seed);
        for (let i = 0; i < ticks && !world.ended; i += 1) world.tick();
        world.finish();
        expect(world.ended).toBe(true);
        for (const call of world.calls) expect(world.answers.get(call)).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});
