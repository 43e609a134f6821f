import type {
  HandoffOffer,
  HandoffState,
  ReceiverEffect,
  ReceiverInput,
  SenderEffect,
  SenderInput,
} from "../../src/core/handoff/handoff-effects.ts";
import type { DeclineReason } from "../../src/core/handoff/handoff-effects.ts";
import { HandoffReceiver } from "../../src/core/handoff/handoff-receiver.ts";
import { HandoffSender } from "../../src/core/handoff/handoff-sender.ts";
import type { ActorId } from "../../src/domain/actor.ts";
import { EMPTY_MAP, JSON_TYPE } from "../../src/domain/invocation.ts";
import { Words } from "./words.ts";

const ACTOR: ActorId = { system: "test", type: "order", key: "k" };
const decoder = new TextDecoder();

function shown(held: HandoffState | undefined): string {
  if (held === undefined) return "nothing";
  const state = held.state === undefined ? "no state" : decoder.decode(held.state.data);
  return `epoch ${held.epoch} r${held.revision} ${state}`;
}

/** Drives both sides of one handoff, from `a` to `b`, and prints their effects, one a line. */
export class HandoffScenario {
  #sender = senderOf(new Words("new warm"));
  #receiver = receiverOf();
  #offer: HandoffOffer = { actor: ACTOR, held: undefined };

  perform(command: string): readonly string[] {
    const words = new Words(command);
    const [verb = ""] = words.plain;
    if (words.verb === "new" && (verb === "warm" || verb === "cold")) {
      this.#sender = senderOf(words);
      this.#receiver = receiverOf();
      return [];
    }
    if (verb === "expecting") return [String(this.#receiver.expecting)];
    if (words.verb === "old") {
      return this.#sender.step(senderInput(verb, words)).map((effect) => this.#printSender(effect));
    }
    return this.#receiver.step(this.#receiverInput(verb, words)).map(printReceiver);
  }

  #receiverInput(verb: string, words: Words): ReceiverInput {
    switch (verb) {
      case "offered": {
        const refusal = words.text("refusal") as DeclineReason | undefined;
        return { kind: "offered", offer: this.#offer, refusal };
      }
      case "announced":
        return { kind: "announced", epoch: words.number("epoch", 0) };
      case "claimed": {
        const revision = words.number("revision", 0);
        return { kind: "claimed", epoch: words.number("epoch", 0), revision };
      }
      case "timer":
        return { kind: "timer", token: Number(words.plain[1]) };
      case "wanted":
      case "source-gone":
      case "owned":
      case "claim-failed":
        return { kind: verb };
      default:
        throw new Error(`nothing is called ${verb}`);
    }
  }

  #printSender(effect: SenderEffect): string {
    switch (effect.kind) {
      case "offer":
        this.#offer = effect.offer;
        return `offer to ${effect.to}: ${shown(effect.offer.held)}`;
      case "announce":
        return `announce to ${effect.to} epoch ${effect.epoch}`;
      case "release":
        return `release epoch ${effect.epoch}`;
      case "ended": {
        const declined = effect.declined === undefined ? "" : `, declined: ${effect.declined}`;
        return `ended ${effect.end}${declined}`;
      }
      case "drain":
        return "drain";
      case "schedule":
      case "hook":
        return printed(effect);
    }
  }
}

function senderOf(words: Words): HandoffSender {
  return new HandoffSender(ACTOR, "a", "b", { answerMs: 5_000, warm: !words.has("cold") });
}

function receiverOf(): HandoffReceiver {
  return new HandoffReceiver("b", { wantedMs: 2_000, keepMs: 30_000 });
}

function senderInput(verb: string, words: Words): SenderInput {
  const text = words.text("state");
  switch (verb) {
    case "drained": {
      const data = new TextEncoder().encode(text ?? "");
      const state = text === undefined ? undefined : { type: JSON_TYPE, data };
      const epoch = words.number("epoch", 1);
      const revision = words.number("revision", 0);
      return { kind: "drained", held: { epoch, revision, state, tags: EMPTY_MAP } };
    }
    case "declined":
      return { kind: "declined", reason: (words.plain[1] ?? "full") as DeclineReason };
    case "timer":
      return { kind: "timer", token: Number(words.plain[1]) };
    case "begin":
    case "lost":
    case "accepted":
    case "target-gone":
    case "released":
    case "not-released":
      return { kind: verb };
    default:
      throw new Error(`nothing is called ${verb}`);
  }
}

function printReceiver(effect: ReceiverEffect): string {
  switch (effect.kind) {
    case "decline":
      return `decline: ${effect.reason}`;
    case "activate":
      return `activate with ${effect.held === undefined ? "the stored state" : shown(effect.held)}`;
    case "ended":
      return `ended ${effect.end}`;
    case "accept":
    case "claim":
      return effect.kind;
    case "schedule":
    case "hook":
      return printed(effect);
  }
}

function printed(
  effect: Extract<SenderEffect | ReceiverEffect, { readonly kind: "schedule" | "hook" }>,
): string {
  if (effect.kind === "schedule") return `schedule ${effect.token} after ${effect.afterMs}`;
  return `hook ${effect.hook.name} ${JSON.stringify(effect.hook.payload)}`;
}
