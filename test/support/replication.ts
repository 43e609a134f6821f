import type { MemoryStatestore } from "../../plugins/statestores/memory/memory-statestore.ts";

type Method = (...args: unknown[]) => Promise<unknown>;

const WRITES = ["claim", "commit", "release", "prune"] as const;
const READS = ["epochs", "dedup", "read"] as const;
const SESSION_WRITES = ["open", "renew", "close", "fence"] as const;

/**
 * A memory store with a replica that follows it asynchronously: whoever fails over to the replica loses
 * what it has not heard of yet, although it was confirmed. The calls of `primary` go to whichever of
 * the two is in force.
 */
export class Replication {
  #pending: (() => Promise<unknown>)[] = [];
  #failedOver = false;

  constructor(primary: MemoryStatestore, replica: MemoryStatestore) {
    for (const name of WRITES) this.#join(primary, replica, name, true);
    for (const name of READS) this.#join(primary, replica, name, false);
    for (const name of SESSION_WRITES) {
      this.#join(primary.sessions, replica.sessions, name, true);
    }
    this.#join(primary.sessions, replica.sessions, "list", false);
    this.#join(primary.types, replica.types, "put", true);
    this.#join(primary.meta, replica.meta, "put", true);
    this.#join(primary.meta, replica.meta, "putIfAbsent", true);
    this.#join(primary.meta, replica.meta, "get", false);
  }

  /** Writes that the replica has not heard of. */
  get behind(): number {
    return this.#pending.length;
  }

  /** The replica hears of the oldest writes, or of all. */
  async catchUp(count = this.#pending.length): Promise<void> {
    // A memory store has done its work when its promise is there, so the order is kept.
    await Promise.all(this.#pending.splice(0, count).map((write) => write()));
  }

  /** The replica takes over as it is. */
  failOver(): void {
    this.#failedOver = true;
    this.#pending = [];
  }

  /** The one before takes over again, with all that it had. */
  failBack(): void {
    this.#failedOver = false;
  }

  #join<T extends object>(primary: T, replica: T, name: keyof T, writes: boolean): void {
    const here = (primary[name] as Method).bind(primary);
    const there = (replica[name] as Method).bind(replica);
    const joined = (...args: unknown[]): Promise<unknown> => {
      if (this.#failedOver) return there(...args);
      if (writes) this.#pending.push(() => there(...args).catch(() => undefined));
      return here(...args);
    };
    Object.assign(primary, { [name]: joined });
  }
}
