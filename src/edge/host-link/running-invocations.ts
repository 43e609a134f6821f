import { actorPath, type ActorTypeSpec } from "../../domain/actor.ts";
import type { Limits } from "../../domain/limits.ts";
import type { HostInvocation, HostResult } from "../../domain/turn.ts";
import type { RunningTurn } from "../../node/host-port.ts";
import { checkedResult } from "./host-result.ts";
import type { RawResult } from "./wire-result.ts";

/** The invocations that one host has been given and not yet answered, with the types it runs. */
export class RunningInvocations {
  readonly #limits: Limits;
  readonly #running = new Map<number, HostInvocation>();
  readonly #stateTypes = new Map<string, string>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Remembers what is registered for the state of each type. */
  register(specs: readonly ActorTypeSpec[]): void {
    for (const { system, type, stateType } of specs)
      this.#stateTypes.set(`${system}/${type}`, stateType);
  }

  add(invocation: HostInvocation): void {
    this.#running.set(invocation.id, invocation);
  }

  /** False if it was answered already. */
  has(id: number): boolean {
    return this.#running.has(id);
  }

  /** Takes it out unanswered; false if it was answered already. */
  forget(id: number): boolean {
    return this.#running.delete(id);
  }

  /** The checked answer; undefined if nobody waits for it (any more), which is no fault of the host. */
  take(raw: RawResult): HostResult | undefined {
    const invocation = this.#running.get(raw.id);
    if (invocation === undefined) return undefined;
    this.#running.delete(raw.id);
    const { system, type } = invocation.actor;
    const stateType = this.#stateTypes.get(`${system}/${type}`) ?? "";
    return checkedResult(raw, invocation, { limits: this.#limits, stateType });
  }

  /** Whether a turn runs here: a host speaks for its own turns alone. */
  holds({ actorPath: path, invocation }: RunningTurn): boolean {
    for (const { actor, turns } of this.#running.values()) {
      if (actorPath(actor) === path && turns.some((turn) => turn.invocation === invocation))
        return true;
    }
    return false;
  }
}
