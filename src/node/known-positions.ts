import { furthest, type Loss, lossOf, type Position } from "../core/activation/position.ts";

interface Known {
  readonly position: Position;
  /** Set while the store is known to have lost what it confirmed of the actor. */
  readonly loss: Loss | undefined;
}

/** Actors whose position is remembered; the ones that were active longest ago are forgotten first. */
const REMEMBERED = 32_768;

/**
 * How far the actors that were active here had come, so that a store which has lost confirmed turns
 * (a fail-over to a replica that lagged, a backup put in its place) is noticed when it is next asked.
 * Lives as long as the process: an operator who accepts the loss restarts it.
 */
export class KnownPositions {
  readonly #most: number;
  readonly #byPath = new Map<string, Known>();

  constructor(most = REMEMBERED) {
    this.#most = most;
  }

  of(path: string): Position | undefined {
    return this.#byPath.get(path)?.position;
  }

  /** Why the actor is stopped, if it is. */
  loss(path: string): Loss | undefined {
    return this.#byPath.get(path)?.loss;
  }

  /** The actor has come as far as `position`. */
  note(path: string, position: Position): void {
    const before = this.#byPath.get(path);
    this.#keep(path, { position: furthest(position, before?.position), loss: before?.loss });
  }

  /** The store has lost part of the actor: it is stopped until the store shows it again. */
  stop(path: string, position: Position, loss: Loss): void {
    this.note(path, position);
    this.#keep(path, { position: this.of(path) ?? position, loss });
  }

  /**
   * Compares what a plain read found with what was known when it was sent. A read that shows all of it
   * lifts a stop: the store has its newest state again.
   */
  check(path: string, known: Position | undefined, found: Position | undefined): Loss | undefined {
    const before = this.#byPath.get(path);
    const now = known === undefined ? undefined : lossOf(known, found);
    if (now !== undefined) return before?.loss ?? now;
    if (before?.loss !== undefined && before.position === known) {
      this.#keep(path, { position: known, loss: undefined });
    }
    return undefined;
  }

  #keep(path: string, known: Known): void {
    this.#byPath.delete(path);
    this.#byPath.set(path, known);
    if (this.#byPath.size <= this.#most) return;
    for (const oldest of this.#byPath.keys()) {
      this.#byPath.delete(oldest);
      return;
    }
  }
}
