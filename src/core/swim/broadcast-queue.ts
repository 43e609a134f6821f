import type { PacketWriter } from "./packet-writer.ts";

/** A statement that is being spread. */
interface Broadcast {
  readonly subject: number;
  readonly part: Uint8Array;
  readonly id: number;
  sent: number;
}

/**
 * Statements on their way to everybody, riding on every packet. One per member: a newer one takes
 * the place of the older. What has been sent least goes first; of these the longest, then the
 * newest, as many as fit; and each leaves after its last transmission.
 */
export class BroadcastQueue {
  /** By transmissions so far; each tier from the longest to the shortest, the newest first. */
  readonly #tiers: Broadcast[][] = [];
  readonly #bySubject = new Map<number, Broadcast>();
  #made = 0;

  get length(): number {
    return this.#bySubject.size;
  }

  has(subject: number): boolean {
    return this.#bySubject.has(subject);
  }

  /** Spreads `part` about a member; what was being spread about it no longer is. */
  add(subject: number, part: Uint8Array): void {
    this.remove(subject);
    this.#made += 1;
    const added: Broadcast = { subject, part, id: this.#made, sent: 0 };
    this.#bySubject.set(subject, added);
    this.#insert(added);
  }

  remove(subject: number): void {
    const held = this.#bySubject.get(subject);
    if (held === undefined) return;
    this.#bySubject.delete(subject);
    const tier = this.#tiers[held.sent];
    tier?.splice(place(tier, held), 1);
  }

  /** Writes what fits into `budget` bytes. Each written statement counts as sent once more. */
  fill(writer: PacketWriter, budget: number, limit: number): void {
    const written: Broadcast[] = [];
    let room = budget;
    for (const tier of this.#tiers) room -= takeFitting(tier, room, written);
    // Only now, or a statement could be written twice into one packet.
    for (const broadcast of written) {
      writer.part(broadcast.part);
      broadcast.sent += 1;
      if (broadcast.sent >= limit) this.#bySubject.delete(broadcast.subject);
      else this.#insert(broadcast);
    }
  }

  /** Keeps `most` statements at most; those that were sent most often go first. */
  prune(most: number): void {
    for (let sent = this.#tiers.length - 1; sent >= 0; sent -= 1) {
      const tier = this.#tiers[sent] ?? [];
      while (this.length > most) {
        const dropped = tier.pop();
        if (dropped === undefined) break;
        this.#bySubject.delete(dropped.subject);
      }
    }
  }

  #insert(broadcast: Broadcast): void {
    while (this.#tiers.length <= broadcast.sent) this.#tiers.push([]);
    const tier = this.#tiers[broadcast.sent] ?? [];
    tier.splice(place(tier, broadcast), 0, broadcast);
  }
}

/** Takes out of the tier, from its first on, what fits; answers the bytes taken. */
function takeFitting(tier: Broadcast[], budget: number, taken: Broadcast[]): number {
  const shortest = tier.at(-1)?.part.length ?? Number.POSITIVE_INFINITY;
  if (shortest > budget) return 0;
  let room = budget;
  let kept = 0;
  let at = 0;
  for (; at < tier.length && room >= shortest; at += 1) {
    const broadcast = tier[at];
    if (broadcast === undefined) break;
    if (broadcast.part.length <= room) {
      room -= broadcast.part.length;
      taken.push(broadcast);
    } else {
      tier[kept] = broadcast;
      kept += 1;
    }
  }
  tier.splice(kept, at - kept);
  return budget - room;
}

/** Where the broadcast stands in its tier, or would. */
function place(tier: readonly Broadcast[], broadcast: Broadcast): number {
  let low = 0;
  let high = tier.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = tier[middle];
    if (other !== undefined && goesBefore(other, broadcast)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function goesBefore(a: Broadcast, b: Broadcast): boolean {
  return a.part.length === b.part.length ? a.id > b.id : a.part.length > b.part.length;
}
