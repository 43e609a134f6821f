import type { Courier } from "./courier.ts";
import type { Conflict } from "./effects.ts";
import type { SwimKernel } from "./kernel.ts";
import { LEFT, MAX_INCARNATION, type Standing } from "./member.ts";
import type { PacketReader } from "./packet-reader.ts";

/** What others say of the local node, and what it answers. */
export class Defence {
  readonly #kernel: SwimKernel;
  readonly #courier: Courier;
  readonly #conflicts = new Set<Conflict>();
  #isUrgent = false;

  constructor(kernel: SwimKernel, courier: Courier) {
    this.#kernel = kernel;
    this.#courier = courier;
  }

  /** Whether an answer is waiting that should not wait for the gossip's next tick; asking resets it. */
  takeUrgent(): boolean {
    const isUrgent = this.#isUrgent;
    this.#isUrgent = false;
    return isUrgent;
  }

  /** The local node is called suspect, dead or left. True if what it says of itself refutes that. */
  accused(said: Standing): boolean {
    const { self, health } = this.#kernel;
    const { generation, incarnation, rank } = said;
    if (self.status !== "running" || generation < self.identity.generation) return false;
    if (generation > self.identity.generation || rank === LEFT) return this.#conflict("outranked");
    if (incarnation < self.incarnation) this.#repeat();
    else if (incarnation === MAX_INCARNATION) return this.#conflict("exhausted");
    else {
      health.change(1);
      this.#refute(incarnation);
    }
    return true;
  }

  /** The reader has read an `alive` of the local node's name. True if it had to be refuted. */
  announced(reader: PacketReader): boolean {
    const { self, view } = this.#kernel;
    const own = view.announcement(self.index);
    if (self.status !== "running" || own === undefined) return false;
    if (reader.generation < own.generation) return false;
    if (reader.generation > own.generation) return this.#conflict("outranked");
    if (reader.bootHi !== own.bootHi || reader.bootLo !== own.bootLo) return this.#conflict("name");
    if (reader.incarnation < self.incarnation || reader.isPart(own.part)) return false;
    if (reader.incarnation === MAX_INCARNATION) return this.#conflict("exhausted");
    this.#refute(reader.incarnation);
    return true;
  }

  /** Tells of a conflict about the local node's own name, each kind once. */
  #conflict(conflict: Conflict): false {
    if (this.#conflicts.has(conflict)) return false;
    this.#conflicts.add(conflict);
    const { outbox, view, self } = this.#kernel;
    outbox.event({ kind: "conflict", conflict, member: view.info(self.index) });
    return false;
  }

  #refute(accused: number): void {
    const { self, view, outbox } = this.#kernel;
    self.announce(Math.max(accused, self.incarnation) + 1);
    this.#courier.spread(self.index, self.part);
    this.#isUrgent = true;
    outbox.event({ kind: "refuted", member: view.info(self.index) });
  }

  /** The answer was given before, but has not reached everybody. */
  #repeat(): void {
    const { self, queue } = this.#kernel;
    if (!queue.has(self.index)) this.#courier.spread(self.index, self.part);
    this.#isUrgent = true;
  }
}
