import type { ActorId } from "../domain/actor.ts";
import { actorPath } from "../domain/actor.ts";
import { isServerError, ServerError } from "../domain/error.ts";
import type { CallSignal, Invocation, Invoker, Reply } from "../domain/invocation.ts";
import type { Peers } from "./peers.ts";
import type { Clock, Random } from "./ports.ts";

/** What forwarding is made of. */
export interface ForwardingOptions {
  /** Name of this node. */
  readonly self: string;
  /** Where calls for actors of this node go. */
  readonly local: Invoker;
  readonly peers: Pick<Peers, "invoke">;
  /** The member that placement names for an actor; `undefined` if there is none that may have it. */
  readonly ownerOf: (actor: ActorId) => string | undefined;
  /** The epoch under which the actor is active here; `undefined` if it is not. */
  readonly activeEpoch: (actor: ActorId) => number | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Members that a call may be passed to before it waits. */
const MAX_HOPS = 3;
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 500;
/** How long a call waits in all for its actor to have an owner that takes it. */
const PATIENCE_MS = 3_000;
/** Owners that are remembered although placement names others. */
const MAX_HINTS = 16_384;

/**
 * Hands a call to the member that owns its actor. Placement says where to try; whoever is asked and
 * is not the owner says what it knows instead of passing the call on; the store has the last word. A
 * call is repeated only after an answer that it was not started.
 */
export class Forwarding implements Invoker {
  readonly #options: ForwardingOptions;
  /** Owners that differ from what placement says, as other members told them. */
  readonly #hints = new Map<string, string>();

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /** The membership has changed: what was told under the former one is void. */
  forget(): void {
    this.#hints.clear();
  }

  async invoke(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const { clock } = this.#options;
    const giveUpMs = Math.min(invocation.deadlineMs, clock.now() + PATIENCE_MS);
    let waits = 0;
    for (let hops = 1; ; hops += 1) {
      try {
        return await this.#attempt(invocation, signal);
      } catch (error) {
        if (!isServerError(error) || !this.#mayRepeat(error)) throw error;
        this.#learn(invocation.actor, error);
        if (hops < MAX_HOPS && error.code === "routing.not_owner") continue;
        const waitMs = this.#wait(waits);
        if (signal.aborted || clock.now() + waitMs >= giveUpMs) throw unsettled(error);
        waits += 1;
        hops = 0;
        this.#hints.delete(actorPath(invocation.actor));
        await this.#pause(waitMs);
      }
    }
  }

  /** A call that another member passed on: executed here, or told who else is to be asked. */
  async receive(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const { self, local, ownerOf, activeEpoch } = this.#options;
    const { actor } = invocation;
    if (activeEpoch(actor) === undefined) {
      const owner = ownerOf(actor);
      if (owner !== self) throw notOwner(actor, owner);
    }
    return await local.invoke(invocation, signal);
  }

  #attempt(invocation: Invocation, signal: CallSignal): Promise<Reply> {
    const { self, local, peers, ownerOf, activeEpoch } = this.#options;
    const { actor } = invocation;
    if (activeEpoch(actor) !== undefined) return local.invoke(invocation, signal);
    const owner = this.#hints.get(actorPath(actor)) ?? ownerOf(actor);
    if (owner === undefined) throw nobody(actor);
    if (owner === self) return local.invoke(invocation, signal);
    const passed = { ...invocation, hops: invocation.hops + 1 };
    return peers.invoke(owner, passed, signal, 0);
  }

  /** Only what was certainly not started, and only for reasons that pass by themselves. */
  #mayRepeat(error: ServerError): boolean {
    if (error.outcome !== "not_started") return false;
    return (
      error.code === "routing.not_owner" ||
      error.code === "routing.unreachable" ||
      error.code === "state.fenced" ||
      error.code === "node.draining"
    );
  }

  #learn(actor: ActorId, error: ServerError): void {
    const path = actorPath(actor);
    const { owner } = error.details;
    if (error.code !== "routing.not_owner" || owner === undefined || owner === "") {
      this.#hints.delete(path);
      return;
    }
    if (this.#hints.size >= MAX_HINTS) this.#hints.clear();
    this.#hints.set(path, owner);
  }

  #wait(waits: number): number {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** waits);
    return longest * (0.5 + this.#options.random.unit() / 2);
  }

  #pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.setTimer(waitMs, resolve);
    });
  }
}

function notOwner({ type, key }: ActorId, owner: string | undefined): ServerError {
  return new ServerError(
    "routing.not_owner",
    `actor ${type}/${key} is not owned by this member`,
    "not_started",
    { reason: "NOT_OWNER", ...(owner !== undefined && { owner }) },
  );
}

function nobody({ type }: ActorId): ServerError {
  return new ServerError(
    "routing.unreachable",
    `no member may own actors of type ${type} now`,
    "not_started",
    { reason: "NO_MEMBER", retryAfterMs: 500 },
  );
}

/** The members did not agree on an owner in time; a repeat is worth while. */
function unsettled(error: ServerError): ServerError {
  if (error.code !== "routing.not_owner") return error;
  return new ServerError(
    "routing.unreachable",
    "the owner of the actor is being settled",
    "not_started",
    { reason: "OWNER_UNSETTLED", retryAfterMs: 500, cause: error },
  );
}
