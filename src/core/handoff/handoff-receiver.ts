import type { ActorId } from "../../domain/actor.ts";
import type {
  HandoffOffer,
  HandoffState,
  ReceiverEffect,
  ReceiverEnd,
  ReceiverInput,
} from "./handoff-effects.ts";

/*
 * The new owner's side:
 *
 *   new -> offered -> claiming -> ended
 *
 * What was sent is used only if the claim proves it current: its epoch is the next one, so nobody else
 * held the actor in between, and the revision is the same. In every other case the store's state is.
 */

/** What the new owner's side needs to know. Times in milliseconds. */
export interface HandoffReceiverOptions {
  /** A call for the actor waits so long for the old owner's word before it is claimed all the same. */
  readonly wantedMs: number;
  /** How long an offer is kept if nothing more is heard. */
  readonly keepMs: number;
}

const KEEP_TIMER = 1;
const WANTED_TIMER = 2;

/** Takes one actor over from another member. */
export class HandoffReceiver {
  readonly #self: string;
  readonly #options: HandoffReceiverOptions;
  #status: "new" | "offered" | "claiming" | "ended" = "new";
  #effects: ReceiverEffect[] = [];
  #actor: ActorId | undefined;
  #held: HandoffState | undefined;
  #wanted = false;

  constructor(self: string, options: HandoffReceiverOptions) {
    this.#self = self;
    this.#options = options;
  }

  /** True from the offer to the end: calls for the actor wait for it. */
  get expecting(): boolean {
    return this.#status === "offered" || this.#status === "claiming";
  }

  /** Takes what happened and returns what to do, in order. What comes late is ignored. */
  step(input: ReceiverInput): readonly ReceiverEffect[] {
    this.#effects = [];
    if (this.#status === "new" && input.kind === "offered") {
      if (input.refusal === undefined) this.#accept(input.offer);
      else {
        this.#effects.push({ kind: "decline", reason: input.refusal });
        this.#end("declined");
      }
    } else if (this.#status === "offered") this.#offered(input);
    else if (this.#status === "claiming") this.#claiming(input);
    return this.#effects;
  }

  #accept({ actor, held }: HandoffOffer): void {
    this.#status = "offered";
    this.#actor = actor;
    this.#held = held;
    this.#effects.push(
      { kind: "accept" },
      { kind: "schedule", token: KEEP_TIMER, afterMs: this.#options.keepMs },
    );
  }

  #offered(input: ReceiverInput): void {
    if (input.kind === "source-gone") return this.#claim();
    if (input.kind === "announced") {
      // The word of an older handoff is no word about this one.
      const current = this.#held === undefined || input.epoch === this.#held.epoch;
      return current ? this.#claim() : undefined;
    }
    if (input.kind === "wanted" && !this.#wanted) {
      this.#wanted = true;
      const afterMs = this.#options.wantedMs;
      this.#effects.push({ kind: "schedule", token: WANTED_TIMER, afterMs });
    }
    if (input.kind !== "timer") return;
    if (input.token === WANTED_TIMER) this.#claim();
    else if (input.token === KEEP_TIMER) this.#end("expired");
  }

  #claim(): void {
    this.#status = "claiming";
    this.#effects.push({ kind: "claim" });
  }

  #claiming(input: ReceiverInput): void {
    if (input.kind === "owned") this.#end("owned");
    else if (input.kind === "claim-failed") this.#end("failed");
    else if (input.kind === "claimed") this.#claimed(input.epoch, input.revision);
  }

  #claimed(epoch: number, revision: number): void {
    // What was sent had been committed: a row behind it has gone back in time.
    if (this.#held !== undefined && revision < this.#held.revision) return this.#end("damaged");
    const current =
      this.#held !== undefined &&
      epoch === this.#held.epoch + 1 &&
      revision === this.#held.revision;
    this.#effects.push({ kind: "activate", held: current ? this.#held : undefined });
    const node = this.#self;
    if (this.#actor !== undefined) {
      const actor = this.#actor;
      this.#effects.push({
        kind: "hook",
        hook: { name: "child_registered", payload: { actor, node } },
      });
      if (current) {
        const payload = { node, actors: [actor] };
        this.#effects.push({ kind: "hook", hook: { name: "handover_delivered", payload } });
      }
    }
    this.#end(current ? "warm" : "cold");
  }

  /** What was sent is dropped. */
  #end(end: ReceiverEnd): void {
    this.#status = "ended";
    this.#held = undefined;
    this.#effects.push({ kind: "ended", end });
  }
}
