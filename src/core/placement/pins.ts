import { type ActorId, actorPath } from "../../domain/actor.ts";
import { assert } from "../../std/assert.ts";

/**
 * Actors that were put on a member by hand and stay there as long as it is fit. Every node holds the
 * same pins by the directory of its system.
 */
export class Pins {
  readonly #limit: number;
  readonly #nodes = new Map<string, string>();

  constructor(limit = 100_000) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** False if there is no room for one more. */
  pin(actor: ActorId, nodeId: string): boolean {
    assert(nodeId !== "", "a pin names a member");
    const path = actorPath(actor);
    if (this.#nodes.size >= this.#limit && !this.#nodes.has(path)) return false;
    this.#nodes.set(path, nodeId);
    return true;
  }

  unpin(actor: ActorId): void {
    this.#nodes.delete(actorPath(actor));
  }

  /** The member that the actor is pinned to. */
  of(actor: ActorId): string | undefined {
    return this.#nodes.size === 0 ? undefined : this.#nodes.get(actorPath(actor));
  }
}
