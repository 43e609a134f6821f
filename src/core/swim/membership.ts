import type { Announcement } from "./announcement.ts";
import type { Courier } from "./courier.ts";
import type { Defence } from "./defence.ts";
import type { SwimKernel } from "./kernel.ts";
import {
  ALIVE,
  DEAD,
  LEFT,
  type MemberInfo,
  outranks,
  type Standing,
  SUSPECT,
  UNKNOWN,
} from "./member.ts";
import type { PacketReader } from "./packet-reader.ts";
import { RateLimit } from "./rate-limit.ts";
import { suspicionTimes } from "./timing.ts";
import { type MemberId, WIRE_VERSION } from "./wire.ts";

/** A statement about a member by another. */
export interface Accusation {
  readonly index: number;
  readonly generation: number;
  readonly incarnation: number;
  readonly from: MemberId;
}

const CONFLICT_EVERY_MS = 30_000;
const LEAST_TOMBSTONES = 4_096;

/**
 * The rules by which statements change the view. A statement counts iff it outranks what is held
 * (`outranks`); what counts is told as an event and passed on. Beyond SWIM: a death that the local
 * node did not suspect itself is taken for a suspicion first, so that one member whose own packets
 * are lost cannot remove healthy ones.
 */
export class Membership {
  readonly #kernel: SwimKernel;
  readonly #courier: Courier;
  readonly #defence: Defence;
  readonly #conflicts = new RateLimit(CONFLICT_EVERY_MS);

  constructor(kernel: SwimKernel, courier: Courier, defence: Defence) {
    this.#kernel = kernel;
    this.#courier = courier;
    this.#defence = defence;
  }

  /** Members, the dead of this probe round and the local node included: what the formulas call n. */
  get size(): number {
    return this.#kernel.order.length + 1;
  }

  /** The reader has read an `alive`. True if it changed what is held. */
  alive(nowMs: number, reader: PacketReader): boolean {
    const { view, self } = this.#kernel;
    if (self.is(reader.idHi, reader.idLo)) {
      this.#defence.announced(reader);
      return false;
    }
    const index = view.roster.find(reader.idHi, reader.idLo);
    if (view.rank(index) === UNKNOWN) return this.#enter(reader);
    const held = view.announcement(index);
    const heldGeneration = view.generation(index);
    if (reader.generation < heldGeneration) return false;
    if (view.roster.name(index) !== "" && view.roster.name(index) !== reader.name) {
      return this.#refuse("field");
    }
    if (reader.generation > heldGeneration) return this.#reborn(nowMs, index, reader);
    if (held !== undefined && !isOfBoot(held, reader)) {
      return this.#claimed(nowMs, index, reader);
    }
    if (reader.incarnation > view.incarnation(index)) return this.#renewed(index, reader);
    if (held === undefined || reader.incarnation < view.incarnation(index)) return false;
    return this.#repeated(nowMs, index, reader, held);
  }

  suspect(nowMs: number, said: Accusation): void {
    const { view } = this.#kernel;
    const { index, incarnation } = said;
    if (!this.#isAboutHeld(said)) return;
    const rank = view.rank(index);
    if (rank === DEAD) return this.#raise(index, incarnation);
    if (rank === LEFT) return;
    if (rank === SUSPECT && incarnation === view.incarnation(index)) {
      return this.#confirm(index, said.from);
    }
    this.#suspectAt(nowMs, said);
  }

  /** A death that is told as gossip. */
  dead(nowMs: number, said: Accusation): void {
    const { view, config, suspicions } = this.#kernel;
    const { index, incarnation } = said;
    if (said.generation > view.generation(index)) return this.#succeeded(nowMs, said);
    if (!this.#isAboutHeld(said)) return;
    const rank = view.rank(index);
    if (rank === DEAD) return this.#raise(index, incarnation);
    if (rank === LEFT) return;
    // A suspicion of a lower incarnation says nothing: the member may have refuted it since.
    if (rank === ALIVE || incarnation > view.incarnation(index)) this.#suspectAt(nowMs, said);
    suspicions.shorten(index, config.corroborateIntervals * config.probeIntervalMs);
    this.expire(nowMs);
  }

  /** A member's farewell. */
  left(nowMs: number, said: Accusation): void {
    const { view } = this.#kernel;
    const { index } = said;
    if (!outranks({ ...said, rank: LEFT }, view.standing(index))) return;
    this.#bury(nowMs, { ...said, rank: LEFT }, index);
    this.#courier.spread(index, this.#courier.statement(index, said.from));
  }

  /** A death or farewell of old in another's view, for a member that may be unknown here. */
  tombstone(idHi: number, idLo: number, standing: Standing, sinceMs: number): void {
    const { view } = this.#kernel;
    this.#addTombstone(view.enter(idHi, idLo, standing), sinceMs);
  }

  /** Suspicions that have run out are deaths now. */
  expire(nowMs: number): void {
    const { suspicions, view, self } = this.#kernel;
    for (;;) {
      const index = suspicions.takeExpired(nowMs);
      if (index === undefined) return;
      this.#bury(nowMs, { ...view.standing(index), rank: DEAD }, index);
      this.#courier.spread(index, this.#courier.statement(index, self.id));
    }
  }

  /**
   * A packet of a known member, of its own generation and incarnation. False if the member is held
   * dead or left, or has been replaced, and the packet does not show that it has refuted.
   */
  heard(index: number, generation: number, incarnation: number): boolean {
    const { view, suspicions, queue } = this.#kernel;
    const heldGeneration = view.generation(index);
    if (generation !== heldGeneration) return generation > heldGeneration;
    const rank = view.rank(index);
    if (rank === LEFT) return false;
    if (incarnation <= view.incarnation(index)) return rank !== DEAD;
    // It lives, but where and as what process only its own `alive` can tell.
    if (view.announcement(index) === undefined) return true;
    view.set(index, { generation, incarnation, rank: ALIVE });
    if (rank === SUSPECT) {
      suspicions.clear(index);
      queue.remove(index);
      this.#event("refuted", index);
    } else if (rank === DEAD) this.#rejoin(index);
    return true;
  }

  /** Lets go of tombstones whose time is over. */
  sweep(nowMs: number): void {
    const { view, config } = this.#kernel;
    for (const [index, sinceMs] of view.tombstones) {
      if (sinceMs + config.tombstoneMs <= nowMs) this.#forget(index);
    }
  }

  /** A later process of the name has lived and died: the one that is held must be gone. */
  #succeeded(nowMs: number, said: Accusation): void {
    const { index } = said;
    const wasLive = this.#kernel.view.isLive(index);
    this.#bury(nowMs, { ...said, rank: DEAD }, index);
    if (wasLive) this.#courier.spread(index, this.#courier.statement(index, said.from));
  }

  #enter(reader: PacketReader): boolean {
    const { view, order, config } = this.#kernel;
    if (!isCompatible(reader)) return this.#refuse("incompatible");
    if (this.size >= config.maxMembers) return this.#refuse("full");
    const { generation, incarnation } = reader;
    const standing = { generation, incarnation, rank: ALIVE } as const;
    const index = view.enter(reader.idHi, reader.idLo, standing);
    view.announce(index, reader);
    order.add(index);
    this.#courier.spread(index, reader.part.slice());
    this.#event("join", index);
    return true;
  }

  /** A later process of the name: whatever was held of the earlier one is over. */
  #reborn(nowMs: number, index: number, reader: PacketReader): boolean {
    const { view } = this.#kernel;
    if (!isCompatible(reader)) return this.#refuse("incompatible");
    if (view.isLive(index)) this.#bury(nowMs, { ...view.standing(index), rank: DEAD }, index);
    return this.#takeUp(index, reader);
  }

  /** Another process with the name and generation of the one that is held. */
  #claimed(nowMs: number, index: number, reader: PacketReader): boolean {
    const { view, config, outbox } = this.#kernel;
    const sinceMs = view.tombstones.get(index) ?? nowMs;
    const mayTake = config.reclaimMs > 0 && nowMs - sinceMs >= config.reclaimMs;
    const isLater = reader.incarnation > view.incarnation(index);
    if (view.rank(index) === DEAD && mayTake && isLater) return this.#takeUp(index, reader);
    if (view.isLive(index) && this.#conflicts.passes(index, nowMs)) {
      outbox.event({ kind: "conflict", conflict: "name", member: view.info(index) });
    }
    return false;
  }

  /** The member has raised its incarnation. */
  #renewed(index: number, reader: PacketReader): boolean {
    const { view, suspicions } = this.#kernel;
    const rank = view.rank(index);
    if (rank === LEFT) return false;
    if (!isCompatible(reader)) return this.#refuse("incompatible");
    if (rank === DEAD) return this.#takeUp(index, reader);
    const before = view.info(index);
    const held = view.announcement(index);
    this.#announce(index, reader);
    this.#courier.spread(index, reader.part.slice());
    if (rank === SUSPECT) {
      suspicions.clear(index);
      this.#event("refuted", index);
    }
    this.#tellUpdate(index, before, held);
    return true;
  }

  /** An `alive` at the incarnation that is held: new only if that incarnation was hearsay so far. */
  #repeated(nowMs: number, index: number, reader: PacketReader, held: Announcement): boolean {
    const { view, outbox } = this.#kernel;
    if (!view.isLive(index)) return false;
    if (held.incarnation === reader.incarnation) {
      const isConflict = held.address !== reader.address && this.#conflicts.passes(index, nowMs);
      const member = view.info(index);
      if (isConflict) outbox.event({ kind: "conflict", conflict: "name", member });
      return false;
    }
    const before = view.info(index);
    view.announce(index, reader);
    if (view.rank(index) === ALIVE) this.#courier.spread(index, reader.part.slice());
    this.#tellUpdate(index, before, held);
    return true;
  }

  #takeUp(index: number, reader: PacketReader): boolean {
    const { order, config } = this.#kernel;
    if (this.size >= config.maxMembers && !order.has(index)) return this.#refuse("full");
    this.#announce(index, reader);
    this.#courier.spread(index, reader.part.slice());
    this.#rejoin(index);
    return true;
  }

  #rejoin(index: number): void {
    const { order } = this.#kernel;
    if (!order.has(index)) order.add(index);
    this.#event("join", index);
  }

  #announce(index: number, reader: PacketReader): void {
    const { view } = this.#kernel;
    const { generation, incarnation } = reader;
    view.set(index, { generation, incarnation, rank: ALIVE });
    view.announce(index, reader);
  }

  #tellUpdate(index: number, before: MemberInfo, held: Announcement | undefined): void {
    const { view, outbox } = this.#kernel;
    const now = view.announcement(index);
    if (now === undefined || held === undefined || now.describesAs(held)) return;
    outbox.event({ kind: "update", member: view.info(index), before });
  }

  #suspectAt(nowMs: number, said: Accusation): void {
    const { view, suspicions, config, outbox } = this.#kernel;
    const { index, generation, incarnation, from } = said;
    const wasAlive = view.rank(index) === ALIVE;
    view.set(index, { generation, incarnation, rank: SUSPECT });
    suspicions.start(index, nowMs, from, suspicionTimes(config, this.size));
    this.#courier.spread(index, this.#courier.statement(index, from));
    if (!wasAlive) return;
    const by = view.roster.find(from.hi, from.lo);
    const member = view.info(index);
    outbox.event({ kind: "suspect", member, by: by < 0 ? "" : view.roster.name(by) });
  }

  #confirm(index: number, from: MemberId): void {
    if (!this.#kernel.suspicions.confirm(index, from)) return;
    this.#courier.spread(index, this.#courier.statement(index, from));
  }

  /** A tombstone at a later incarnation than was held: what is earlier is refused from now on. */
  #raise(index: number, incarnation: number): void {
    const { view } = this.#kernel;
    const held = view.standing(index);
    if (incarnation > held.incarnation) view.set(index, { ...held, incarnation });
  }

  #bury(nowMs: number, standing: Standing, index: number): void {
    const { view, suspicions } = this.#kernel;
    const { generation, incarnation, rank } = standing;
    const wasLive = view.isLive(index);
    suspicions.clear(index);
    view.set(index, { generation, incarnation, rank });
    if (!wasLive) return;
    this.#addTombstone(index, nowMs);
    this.#event(rank === LEFT ? "left" : "dead", index);
  }

  #addTombstone(index: number, sinceMs: number): void {
    const { tombstones } = this.#kernel.view;
    tombstones.set(index, sinceMs);
    const most = Math.max(LEAST_TOMBSTONES, 4 * this.size);
    if (tombstones.size <= most) return;
    for (const oldest of tombstones.keys()) {
      this.#forget(oldest);
      break;
    }
  }

  #forget(index: number): void {
    const { view, order, queue } = this.#kernel;
    order.remove(index);
    queue.remove(index);
    view.forget(index);
  }

  /** Whether an accusation is about the process that is held, and not older than what is held. */
  #isAboutHeld(said: Accusation): boolean {
    const { view } = this.#kernel;
    return (
      said.generation === view.generation(said.index) &&
      said.incarnation >= view.incarnation(said.index)
    );
  }

  #refuse(reason: "field" | "incompatible" | "full"): false {
    this.#kernel.outbox.drop(reason);
    return false;
  }

  #event(kind: "join" | "refuted" | "dead" | "left", index: number): void {
    const { view, outbox } = this.#kernel;
    outbox.event({ kind, member: view.info(index) });
  }
}

function isOfBoot(held: Announcement, reader: PacketReader): boolean {
  return held.bootHi === reader.bootHi && held.bootLo === reader.bootLo;
}

function isCompatible(reader: PacketReader): boolean {
  return reader.wireMin <= WIRE_VERSION && reader.wireMax >= WIRE_VERSION;
}
