import { type ActorId, actorPath } from "../../../src/domain/actor.ts";
import { ServerError } from "../../../src/domain/error.ts";
import {
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  type Invocation,
  type Invoker,
  JSON_TYPE,
  type Payload,
  type Reply,
  type StringMap,
} from "../../../src/domain/invocation.ts";
import type { HostInvocation, HostResult, HostTurn } from "../../../src/domain/turn.ts";
import type { RecordingGate } from "./recording-gate.ts";

interface Known {
  state: Payload | undefined;
  revision: number;
  tags: StringMap;
  last: Promise<unknown>;
}

const TIMEOUT_MS = 20_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A JSON payload. */
export function json(value: unknown): Payload {
  return { type: JSON_TYPE, data: encoder.encode(JSON.stringify(value)) };
}

/** The JSON value of a payload; `undefined` if it is empty. */
export function valueOf(payload: Payload | undefined): unknown {
  if (payload === undefined || payload.data.length === 0) return undefined;
  return JSON.parse(decoder.decode(payload.data));
}

/** Actors in memory: one turn at a time each, kept as long as the kit runs. */
export class KitActors implements Invoker {
  readonly #gate: RecordingGate;
  readonly #known = new Map<string, Known>();
  /** Every call that a turn made, as the server saw it. */
  readonly calls: Invocation[] = [];
  #nextId = 1;

  constructor(gate: RecordingGate) {
    this.#gate = gate;
  }

  /** Ids of invocations and turns, never the same twice. */
  nextId(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** A turn that calls `action`. */
  turn(actor: ActorId, action: string, payload: Payload, more: Partial<Invocation> = {}): HostTurn {
    const invocation: Invocation = {
      actor,
      action,
      payload,
      requestId: "",
      metadata: EMPTY_MAP,
      caller: { kind: "client", id: "kit-client", roles: ["tester"] },
      chain: [],
      deadlineMs: performance.now() + TIMEOUT_MS,
      trace: undefined,
      hops: 0,
      ...more,
    };
    return { turnId: this.nextId(), invocation, attempt: 1 };
  }

  /** Runs an invocation as it is given; nothing is kept. */
  run(
    actor: ActorId,
    turns: readonly HostTurn[],
    more: Partial<HostInvocation> = {},
  ): Promise<HostResult> {
    const invocation = {
      id: this.nextId(),
      actor,
      state: undefined,
      revision: 0,
      epoch: 1,
      tags: {},
      keepStates: false,
    };
    return this.#gate.execute({ ...invocation, ...more, turns });
  }

  /** One call, committed in memory. Rejects with `ServerError`. */
  invoke(invocation: Invocation): Promise<Reply> {
    if (invocation.chain.length > 0) this.calls.push(invocation);
    const path = actorPath(invocation.actor);
    const known = this.#known.get(path) ?? {
      state: undefined,
      revision: 0,
      tags: EMPTY_MAP,
      last: Promise.resolve(),
    };
    this.#known.set(path, known);
    if (invocation.chain.some((actor) => actorPath(actor) === path)) {
      return Promise.reject(
        new ServerError("call.cycle", "the call would wait for itself", "not_started"),
      );
    }
    const reply = known.last.then(() => this.#commit(known, invocation));
    known.last = reply.catch(() => undefined);
    return reply;
  }

  async #commit(known: Known, invocation: Invocation): Promise<Reply> {
    const { actor } = invocation;
    const turn: HostTurn = { turnId: this.nextId(), invocation, attempt: 1 };
    const { state, revision, tags } = known;
    const result = await this.run(actor, [turn], {
      ...(state !== undefined && { state }),
      revision,
      tags,
    });
    const [outcome] = result.outcomes;
    const failure = result.failure ?? outcome?.failure;
    if (outcome === undefined || failure !== undefined) {
      const { code, message } = failure ?? {
        code: "unknown",
        message: "the host answered nothing",
      };
      throw new ServerError("host.failed", message, "not_applied", { hostCode: code });
    }
    if (outcome.changed) {
      known.state = result.state;
      known.revision += 1;
      known.tags = result.tags ?? tags;
    }
    const { reply: payload = EMPTY_PAYLOAD, metadata } = outcome;
    return { payload, revision: known.revision, durable: true, replayed: false, metadata };
  }
}
