import { Activation } from "../../src/core/activation/activation.ts";
import { Call } from "../../src/core/activation/call.ts";
import type { ActivationEffect, ActivationInput } from "../../src/core/activation/effects.ts";
import type { Position } from "../../src/core/activation/position.ts";
import type { ActorId, ActorTypeSpec } from "../../src/domain/actor.ts";
import { ServerError } from "../../src/domain/error.ts";
import {
  ANONYMOUS,
  EMPTY_MAP,
  EMPTY_PAYLOAD,
  JSON_TYPE,
  type Invocation,
  type Operation,
  type Payload,
} from "../../src/domain/invocation.ts";
import type { HostResult, TurnOutcome } from "../../src/domain/turn.ts";
import { Words } from "./words.ts";

const ACTOR: ActorId = { system: "default", type: "thing", key: "k" };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function payload(text: string | undefined): Payload | undefined {
  return text === undefined ? undefined : { type: JSON_TYPE, data: encoder.encode(text) };
}

function shown(value: Payload | undefined): string {
  return value === undefined ? "no state" : JSON.stringify(decoder.decode(value.data));
}

function failure(
  code: "state.unavailable" | "host.unavailable",
  outcome: "not_applied" | "unknown",
) {
  return new ServerError(code, "made by the scenario", outcome);
}

/**
 * Drives one activation by text commands and prints its effects, one a line. Actions are called
 * `read` (declared to change nothing) or anything else.
 */
export class ActivationScenario {
  #activation = this.#made(new Words("new"));
  #nowMs = 0;
  #calls = new Map<string, Call>();
  #names = new Map<number, string>();
  #answered = new Set<Call>();

  perform(command: string): readonly string[] {
    const words = new Words(command);
    switch (words.verb) {
      case "new":
        this.#activation = this.#made(words);
        return [];
      case "at":
        this.#nowMs = Number(words.plain[0]);
        return [];
      case "take":
        return this.#take();
      case "status": {
        const { status, queued, epoch, running } = this.#activation;
        return [`${status}, epoch ${epoch}, ${queued} queued, ${running.length} at the host`];
      }
      default: {
        const input = this.#input(words);
        return this.#activation.step(input, this.#nowMs).map((effect) => this.#print(effect));
      }
    }
  }

  #made(words: Words): Activation {
    const spec: ActorTypeSpec = {
      system: ACTOR.system,
      type: ACTOR.type,
      kind: "unnamed",
      stateful: !words.has("stateless"),
      durability: "commit",
      actions: [{ name: "read", readOnly: true }],
      openActions: true,
      deactivationTimeoutMs: words.number("idle", 60_000),
      reentrant: false,
      reads: "fenced",
      history: words.has("history") ? { kind: "all" } : { kind: "none" },
      stateType: JSON_TYPE,
      mailboxCalls: words.number("mailbox", 100),
      mailboxBytes: words.number("mailbox-bytes", 1_000_000),
    };
    return new Activation(ACTOR, {
      spec,
      fenceReads: !words.has("exclusive"),
      chainedTurns: words.number("chain", 1),
      chainDepth: words.number("depth", 4),
      aheadTurns: words.number("ahead", 8),
      aheadBytes: 1_000_000,
      turn: {
        stateBytes: 64,
        effectsPerTurn: 2,
        maxRevision: words.number("max-revision", 1_000),
        shreds: !words.has("seedless"),
      },
    });
  }

  #input(words: Words): ActivationInput {
    const [first = ""] = words.plain;
    switch (words.verb) {
      case "invoke":
        return { kind: "invoke", call: this.#invoked(words) };
      case "claimed":
        return {
          kind: "claimed",
          claimed: {
            handle: 1,
            epoch: words.number("epoch", 1),
            revision: words.number("revision", 0),
            state: payload(words.text("state")),
            tags: EMPTY_MAP,
            requestIds: words.has("too-many-ids") ? undefined : words.list("ids"),
            existed: !words.has("new-row"),
          },
          ...knownOf(words),
        };
      case "owned":
        return {
          kind: "owned",
          owner: { kind: "owned", sessionId: 9, nodeName: first, address: "" },
        };
      case "claim-failed":
        return { kind: "claim-failed", error: failure("state.unavailable", "not_applied") };
      case "executed":
        return { kind: "executed", result: this.#result(words) };
      case "not-executed":
        return {
          kind: "not-executed",
          invocationId: this.#call(first).id,
          error: failure("host.unavailable", "not_applied"),
        };
      case "settled":
        return this.#settled(first);
      case "found": {
        const text = words.text("reply");
        const digest = encoder.encode(words.text("digest") ?? "");
        const reply = {
          payload: payload(text) ?? EMPTY_PAYLOAD,
          revision: words.number("revision", 1),
          durable: true,
          replayed: false,
          metadata: EMPTY_MAP,
        };
        const call = this.#call(first);
        if (words.has("shredded")) return { kind: "found", call, found: { kind: "shredded" } };
        const found = text === undefined ? undefined : ({ kind: "reply", digest, reply } as const);
        return { kind: "found", call, found };
      }
      case "lookup-failed": {
        const error = failure("state.unavailable", "not_applied");
        return { kind: "lookup-failed", call: this.#call(first), error };
      }
      default:
        return this.#otherInput(words, first);
    }
  }

  #otherInput(words: Words, first: string): ActivationInput {
    const token = words.number("token", 1);
    switch (words.verb) {
      case "fence-read":
        return {
          kind: "fence-read",
          token,
          epoch: words.has("no-row") ? undefined : words.number("epoch", 1),
        };
      case "fence-failed":
        return { kind: "fence-failed", token, error: failure("state.unavailable", "not_applied") };
      case "expired": {
        const code = words.has("canceled") ? "call.canceled" : "call.deadline";
        const error = new ServerError(code, "made by the scenario", "unknown");
        return { kind: "expired", call: this.#call(first), error };
      }
      case "timer":
        return { kind: "timer", timer: { kind: first as "idle" | "claim-retry", token } };
      case "drain": {
        const error = new ServerError("node.draining", "made by the scenario", "not_started");
        return {
          kind: "drain",
          waiting: words.has("reject") ? error : words.has("hand-back") ? "hand-back" : "finish",
        };
      }
      case "fenced":
        return { kind: "fenced" };
      default:
        throw new Error(`no command is called ${words.verb}`);
    }
  }

  #invoked(words: Words): Call {
    const [name = "", action = "change"] = words.plain;
    const requestId = words.text("id") ?? "";
    const revision = words.text("revision");
    const operation = operationOf(words);
    const invocation: Invocation = {
      actor: ACTOR,
      action,
      payload: { type: JSON_TYPE, data: new Uint8Array(words.number("bytes", 0)) },
      requestId,
      metadata: EMPTY_MAP,
      caller: ANONYMOUS,
      chain: words.list("via").map((key) => ({ ...ACTOR, key })),
      deadlineMs: words.number("deadline", 1_000_000),
      trace: undefined,
      hops: 0,
      ...(revision === undefined ? {} : { expectedRevision: Number(revision) }),
      ...(operation === undefined ? {} : { operation }),
    };
    const digest = requestId === "" ? undefined : encoder.encode(words.text("digest") ?? "");
    const unused = (): void => undefined;
    const sink = { resolve: unused, reject: unused };
    const call = new Call(this.#names.size + 1, invocation, digest, sink);
    this.#calls.set(name, call);
    this.#names.set(call.id, name);
    return call;
  }

  /** `executed a a:changed b:read c:failed state=x`, or a result that no host may give. */
  #result(words: Words): HostResult {
    const [first = "", ...turns] = words.plain;
    const state = payload(words.text("state"));
    const outcomes = turns
      .filter((turn) => turn.includes(":"))
      .map((turn): TurnOutcome => {
        const [name = "", what = ""] = turn.split(":");
        return {
          turnId: this.#call(name).id,
          failure: what === "failed" ? { code: "no", message: "refused" } : undefined,
          reply: payload(`${name} done`) ?? EMPTY_PAYLOAD,
          metadata: EMPTY_MAP,
          changed: what === "changed",
          effects:
            what === "deleted" || what === "shredded"
              ? [{ kind: "delete", shred: what === "shredded" }]
              : what === "unsupported"
                ? [{ kind: "unsupported", name: "saga" }]
                : [],
        };
      });
    const broken = words.has("broken") ? { code: "broken", message: "the host broke" } : undefined;
    return { id: this.#call(first).id, outcomes, state, tags: undefined, failure: broken };
  }

  #settled(outcome: string): ActivationInput {
    const unknown = outcome === "unknown";
    const error = failure("state.unavailable", unknown ? "unknown" : "not_applied");
    switch (outcome) {
      case "committed":
      case "fenced":
      case "conflict":
        return { kind: "settled", outcome: { kind: outcome } };
      case "failed":
      case "unknown":
        return { kind: "settled", outcome: { kind: outcome, error } };
      default:
        throw new Error(`no commit settles as ${outcome}`);
    }
  }

  #take(): readonly string[] {
    const commit = this.#activation.take();
    if (commit === undefined) return ["nothing staged"];
    const { epoch, baseRevision, revision, change, state, replies, history, turns } = commit;
    const ids = replies.map(({ requestId, revision: at, reply }) =>
      reply === undefined ? `${requestId}@r${at} without reply` : `${requestId}@r${at}`,
    );
    const past = history.map((entry) => `r${entry.revision} ${entry.action}`);
    return [
      `commit epoch ${epoch} r${baseRevision}..r${revision} ${change} ${shown(state)}, ${turns} turns`,
      ...(commit.shred ? ["  shreds what was before"] : []),
      ...(ids.length === 0 ? [] : [`  records ${ids.join(" ")}`]),
      ...(past.length === 0 ? [] : [`  keeps ${past.join(", ")}`]),
    ];
  }

  #print(effect: ActivationEffect): string {
    switch (effect.kind) {
      case "execute": {
        const { turns, revision, state, epoch } = effect.invocation;
        const names = turns.map(({ turnId }) => this.#names.get(turnId)).join("+");
        return `execute ${names} on r${revision} ${shown(state)}, epoch ${epoch}`;
      }
      case "cancel":
        return `cancel ${this.#names.get(effect.invocationId)}`;
      case "lookup":
        return `lookup ${this.#nameOf(effect.call)}`;
      case "fence":
        return `fence ${effect.token}`;
      case "reply": {
        const { payload: value, revision, replayed } = effect.reply;
        const text = value.data.length === 0 ? "empty" : shown(value);
        return `reply ${this.#answer(effect.call)} ${text} r${revision}${replayed ? " replayed" : ""}`;
      }
      case "requeue":
        return `requeue ${this.#nameOf(effect.call)}`;
      case "reject": {
        const { code, outcome, details } = effect.error;
        const reason = details.reason === undefined ? "" : ` ${details.reason}`;
        return `reject ${this.#answer(effect.call)} ${code} ${outcome}${reason}`;
      }
      case "schedule":
        return `schedule ${effect.timer.kind} ${effect.timer.token} after ${effect.afterMs}`;
      case "changed":
        return `changed r${effect.revision} ${shown(effect.state)}`;
      case "shredded":
        return `shredded before r${effect.revision}`;
      case "regressed": {
        const { loss, known, found } = effect;
        const text = found === undefined ? "no row" : place(found);
        return `regressed ${loss}: ${text} after ${place(known)}`;
      }
      case "release":
        return `release epoch ${effect.epoch}`;
      case "ended":
        return `ended ${effect.reason}`;
      default:
        return effect.kind;
    }
  }

  #answer(call: Call): string {
    const name = this.#nameOf(call);
    if (this.#answered.has(call)) throw new Error(`${name} was answered twice`);
    this.#answered.add(call);
    return name;
  }

  #call(name: string): Call {
    const call = this.#calls.get(name);
    if (call === undefined) throw new Error(`no call is named ${name}`);
    return call;
  }

  #nameOf(call: Call): string {
    return this.#names.get(call.id) ?? String(call.id);
  }
}

/** `known=3/7`: where the actor stood when it was last active. */
function knownOf(words: Words): { readonly known?: Position } {
  const [epoch, revision] = (words.text("known") ?? "").split("/").map(Number);
  return epoch === undefined || revision === undefined ? {} : { known: { epoch, revision } };
}

function place({ epoch, revision }: Position): string {
  return `epoch ${epoch} r${revision}`;
}

function operationOf(words: Words): Operation | undefined {
  switch (words.text("operation")) {
    case "state":
      return { kind: "state" };
    case "delete":
      return { kind: "delete", shred: words.has("shred") };
    case "restore":
      return { kind: "restore", state: payload(words.text("state")), tags: EMPTY_MAP };
    default:
      return undefined;
  }
}
