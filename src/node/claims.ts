import type { ClaimResult, Statestore } from "../contract/index.ts";
import type { Call } from "../core/activation/call.ts";
import type { ActivationInput } from "../core/activation/effects.ts";
import { outcomes } from "../core/activation/outcomes.ts";
import { isServerError, ServerError } from "../domain/error.ts";
import { EMPTY_MAP, JSON_TYPE } from "../domain/invocation.ts";
import { noSession } from "./call-refusals.ts";
import type { KnownPositions } from "./known-positions.ts";
import type { Clock } from "./ports.ts";
import { decodeReply } from "./reply-codec.ts";
import type { Sealer } from "./sealer.ts";
import type { Slot, StepSlot } from "./slot.ts";

const MAX_BATCH = 256;
/** Request ids that a claim brings along; an actor with more of them is looked up call by call. */
const MAX_REQUEST_IDS = 10_000;

interface FenceRead {
  readonly slot: Slot;
  /** Names the read to the activation that asked for it. */
  readonly token: number;
}

export interface ClaimsOptions {
  /** What the store is called. */
  readonly name: string;
  readonly store: Statestore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly session: () => number | undefined;
  readonly known: KnownPositions;
  readonly observer: StoreObserver;
}

/** What is told of each question to the store, and of rows that cannot be read. */
export interface StoreObserver {
  /** `code` is "ok" or an error code. */
  stored(op: string, code: string, ms: number, store: string): void;
  anomaly(kind: "state_unreadable" | "store_regressed"): void;
}

/**
 * What an activation asks the store besides its commit: claims, fence reads, recorded replies and
 * releases. What is asked for in one tick goes in one batch.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #step: StepSlot;
  #claiming: Slot[] = [];
  #fencing: FenceRead[] = [];
  #releasing: { readonly slot: Slot; readonly epoch: number }[] = [];
  #scheduled = false;
  #underWay = 0;
  #idle: (() => void)[] = [];

  constructor(options: ClaimsOptions, step: StepSlot) {
    this.#options = options;
    this.#step = step;
  }

  claim(slot: Slot): void {
    // A claim of an actor that is stopped would only make the store look newer than it is.
    if (this.#options.known.loss(slot.path) !== undefined) return this.#recheck(slot);
    this.#claiming.push(slot);
    this.#schedule();
  }

  fence(slot: Slot, token: number): void {
    this.#fencing.push({ slot, token });
    this.#schedule();
  }

  release(slot: Slot, epoch: number): void {
    this.#releasing.push({ slot, epoch });
    this.#schedule();
  }

  /** Finds the recorded reply to the request id of `call`. */
  lookup(slot: Slot, call: Call): void {
    const { store, sealer } = this.#options;
    const { requestId } = call.invocation;
    // The seed of now: the row was read before any that a later commit brings.
    const { seed } = slot;
    this.#ask(
      "dedup",
      store.dedup(slot.actor, requestId),
      (record) => {
        const input = open("lookup-failed", call, () => {
          if (record === undefined) return { kind: "found", call, found: undefined };
          const { revision, reply, digest } = record;
          if (reply.length === 0) return { kind: "found", call, found: { kind: "shredded" } };
          const plain = sealer.open("dedup", slot.actor, revision, requestId, reply, seed);
          const found = { kind: "reply", digest, reply: decodeReply(plain) } as const;
          return { kind: "found", call, found };
        });
        this.#step(slot, input);
      },
      (cause) => {
        const error = unavailable(cause, "not_started");
        this.#step(slot, { kind: "lookup-failed", call, error });
      },
    );
  }

  /** Resolves when nothing is asked or under way. */
  async drained(): Promise<void> {
    while (this.#underWay > 0 || this.#scheduled) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.clock.defer(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    // One that has ended meanwhile wants no claim, and its successor may be asking for the same actor.
    const claiming = this.#claiming.filter(({ activation }) => activation.status !== "ended");
    const fencing = this.#fencing;
    const releasing = this.#releasing;
    this.#claiming = [];
    this.#fencing = [];
    this.#releasing = [];
    if (releasing.length > 0) this.#release(releasing);
    for (let i = 0; i < claiming.length; i += MAX_BATCH) {
      this.#claim(claiming.slice(i, i + MAX_BATCH));
    }
    for (let i = 0; i < fencing.length; i += MAX_BATCH) {
      this.#fence(fencing.slice(i, i + MAX_BATCH));
    }
    this.#settled();
  }

  /** The store had lost part of the actor: it is claimed once a plain read shows all that is known. */
  #recheck(slot: Slot): void {
    const { store, known } = this.#options;
    const expected = known.of(slot.path);
    this.#ask(
      "read",
      store.read(slot.actor),
      (found) => {
        const loss = known.check(slot.path, expected, found);
        if (loss === undefined) return this.claim(slot);
        this.#step(slot, { kind: "claim-failed", error: outcomes.lost(loss, "not_started") });
      },
      (cause) => {
        this.#step(slot, { kind: "claim-failed", error: unavailable(cause, "not_started") });
      },
    );
  }

  #claim(slots: readonly Slot[]): void {
    const sessionId = this.#options.session();
    if (sessionId === undefined) {
      const error = noSession("not_started");
      for (const slot of slots) this.#step(slot, { kind: "claim-failed", error });
      return;
    }
    const actors = slots.map((slot) => slot.actor);
    const request = { sessionId, actors, maxRequestIds: MAX_REQUEST_IDS };
    this.#ask(
      "claim",
      this.#options.store.claim(request),
      (results) => {
        slots.forEach((slot, i) => this.#step(slot, this.#opened(slot, results[i])));
      },
      (cause) => {
        const error = unavailable(cause, "not_started");
        for (const slot of slots) this.#step(slot, { kind: "claim-failed", error });
      },
    );
  }

  /** A claim's answer with its state opened; a state that cannot be opened stops the actor. */
  #opened(slot: Slot, result: ClaimResult | undefined): ActivationInput {
    if (result === undefined) {
      return { kind: "claim-failed", error: unavailable(undefined, "not_started") };
    }
    if (result.kind === "owned") return { kind: "owned", owner: result };
    if (result.kind === "damaged") {
      this.#options.observer.anomaly("state_unreadable");
      return { kind: "claim-failed", error: damaged(result.reason) };
    }
    try {
      const { state, revision, tags, seed } = result;
      const { sealer } = this.#options;
      slot.seed = seed && sealer.seeds?.open(slot.actor, seed);
      const plain =
        // A key that was recorded with tags alone has a row and no state.
        state === undefined || state.type === ""
          ? undefined
          : {
              type: state.type === JSON_TYPE ? JSON_TYPE : state.type,
              data: sealer.open("state", slot.actor, revision, state.type, state.data, slot.seed),
            };
      const own = Object.keys(tags).length === 0 ? EMPTY_MAP : tags;
      const claimed = { ...result, state: plain, tags: own };
      const known = this.#options.known.of(slot.path);
      return known === undefined
        ? { kind: "claimed", claimed }
        : { kind: "claimed", claimed, known };
    } catch (error) {
      this.#options.observer.anomaly("state_unreadable");
      // The claim has raised the epoch and nothing else; it is let go again, unread.
      this.release(slot, result.epoch);
      return { kind: "claim-failed", error: unavailable(error, "not_started") };
    }
  }

  #fence(reads: readonly FenceRead[]): void {
    const actors = reads.map(({ slot }) => slot.actor);
    this.#ask(
      "epochs",
      this.#options.store.epochs(actors),
      (epochs) => {
        reads.forEach(({ slot, token }, i) =>
          this.#step(slot, { kind: "fence-read", token, epoch: epochs[i] }),
        );
      },
      (cause) => {
        const error = unavailable(cause, "not_applied");
        for (const { slot, token } of reads) {
          this.#step(slot, { kind: "fence-failed", token, error });
        }
      },
    );
  }

  #release(released: readonly { readonly slot: Slot; readonly epoch: number }[]): void {
    const sessionId = this.#options.session();
    if (sessionId === undefined) return;
    const actors = released.map(({ slot, epoch }) => ({ actor: slot.actor, epoch }));
    // A release that fails leaves the actor ours: the next claim, here or after the lease, takes it.
    const nothing = (): void => undefined;
    this.#ask("release", this.#options.store.release(sessionId, actors), nothing, nothing);
  }

  /** Exactly one of `heard` and `failed` is called, once the store has answered. */
  #ask<T>(
    op: string,
    asked: Promise<T>,
    heard: (answer: T) => void,
    failed: (cause: unknown) => void,
  ): void {
    const { clock, observer, name } = this.#options;
    const begun = clock.now();
    this.#underWay += 1;
    const end = (code: string): void => {
      observer.stored(op, code, clock.now() - begun, name);
      this.#underWay -= 1;
    };
    void asked
      .then(
        (answer) => {
          end("ok");
          heard(answer);
        },
        (cause: unknown) => {
          end(isServerError(cause) ? cause.code : "internal.bug");
          failed(cause);
        },
      )
      .finally(() => this.#settled());
  }

  #settled(): void {
    if (this.#underWay > 0 || this.#scheduled) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

function open(failure: "lookup-failed", call: Call, make: () => ActivationInput): ActivationInput {
  try {
    return make();
  } catch (error) {
    return { kind: failure, call, error: unavailable(error, "not_started") };
  }
}

function unavailable(cause: unknown, outcome: "not_started" | "not_applied"): ServerError {
  if (isServerError(cause)) {
    return new ServerError(cause.code, cause.message, outcome, cause.details);
  }
  return new ServerError("state.unavailable", "the statestore cannot be reached", outcome, {
    reason: "STORE_UNAVAILABLE",
    retryAfterMs: 500,
    ...(cause === undefined ? {} : { cause }),
  });
}

function damaged(reason: string): ServerError {
  return new ServerError(
    "state.corrupt",
    "the stored row of the actor cannot be read",
    "not_started",
    {
      reason,
    },
  );
}
