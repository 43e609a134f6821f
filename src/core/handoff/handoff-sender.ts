import type { ActorId } from "../../domain/actor.ts";
import type { HubHook } from "../../domain/hub-hook.ts";
import type {
  DeclineReason,
  HandoffState,
  SenderEffect,
  SenderEnd,
  SenderInput,
} from "./handoff-effects.ts";

/*
 * The old owner's side:
 *
 *   new -> draining -> offering -> releasing -> ended
 *              |           |          ^
 *              +-----------+----------+   declined, silent or gone: released all the same
 *
 * Nothing is offered before the last turn is committed, and nobody is told to claim before the claim
 * is released. Whatever goes wrong with the new owner, the actor is let go of, so that it can live on
 * wherever it is called next.
 */

/** What the old owner's side needs to know. */
export interface HandoffSenderOptions {
  /** Longest wait for the new owner's answer, in milliseconds. */
  readonly answerMs: number;
  /** Send the state along. */
  readonly warm: boolean;
}

const ANSWER_TIMER = 1;

/** Hands one actor over to another member. */
export class HandoffSender {
  readonly #actor: ActorId;
  readonly #self: string;
  readonly #to: string;
  readonly #options: HandoffSenderOptions;
  #status: "new" | "draining" | "offering" | "releasing" | "ended" = "new";
  #effects: SenderEffect[] = [];
  #held: HandoffState | undefined;
  #targetGone = false;
  #accepted = false;
  #declined: DeclineReason | undefined;

  /** `self` and `to` are node ids. */
  constructor(actor: ActorId, self: string, to: string, options: HandoffSenderOptions) {
    this.#actor = actor;
    this.#self = self;
    this.#to = to;
    this.#options = options;
  }

  /** Takes what happened and returns what to do, in order. What comes late is ignored. */
  step(input: SenderInput): readonly SenderEffect[] {
    this.#effects = [];
    if (input.kind === "target-gone") this.#targetGone = true;
    if (this.#status === "new" && input.kind === "begin") {
      this.#status = "draining";
      this.#effects.push({ kind: "drain" });
    } else if (this.#status === "draining") this.#draining(input);
    else if (this.#status === "offering") this.#offering(input);
    else if (this.#status === "releasing") this.#releasing(input);
    return this.#effects;
  }

  #draining(input: SenderInput): void {
    if (input.kind === "lost") return this.#end("lost");
    if (input.kind !== "drained") return;
    this.#held = input.held;
    if (this.#targetGone) return this.#release();
    this.#status = "offering";
    const held = this.#options.warm ? input.held : undefined;
    this.#effects.push(
      { kind: "offer", to: this.#to, offer: { actor: this.#actor, held } },
      { kind: "schedule", token: ANSWER_TIMER, afterMs: this.#options.answerMs },
    );
  }

  #offering(input: SenderInput): void {
    if (input.kind === "accepted") this.#accepted = true;
    else if (input.kind === "declined") this.#declined = input.reason;
    else if (input.kind !== "target-gone" && input.kind !== "timer") return;
    this.#release();
  }

  #release(): void {
    this.#status = "releasing";
    this.#effects.push({ kind: "release", epoch: this.#held?.epoch ?? 0 });
  }

  #releasing(input: SenderInput): void {
    if (input.kind === "not-released") return this.#end("kept");
    if (input.kind !== "released") return;
    const actor = this.#actor;
    this.#hook({ name: "child_unregistered", payload: { actor, node: this.#self } });
    if (!this.#accepted || this.#targetGone) return this.#end("released");
    this.#effects.push({ kind: "announce", to: this.#to, epoch: this.#held?.epoch ?? 0 });
    this.#hook({ name: "migration_completed", payload: { node: this.#to, actors: [actor] } });
    this.#end(this.#options.warm ? "warm" : "cold");
  }

  #hook(hook: HubHook): void {
    this.#effects.push({ kind: "hook", hook });
  }

  #end(end: SenderEnd): void {
    this.#status = "ended";
    const declined = this.#declined;
    this.#effects.push({ kind: "ended", end, ...(declined !== undefined && { declined }) });
  }
}
