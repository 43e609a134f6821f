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
  stateOf,
  SUSPECT,
  UNKNOWN,
} from "./member.ts";
import type { PacketReader } from "./packet-reader.ts";
import { RateLimit } from "./rate-limit.ts";
import { mostTombstones } from "./swim-config.ts";
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
/** How many of all members tell a suspected one directly, in the mean. */
const NOTICES = 8;

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
      return this.#defence.announced(reader);
    }
    const index = view.roster.find(reader.idHi, reader.idLo);
    if (view.rank(index) === UNKNOWN) return this.#enter(reader);
    const held = view.announcement(index);
    // Of a whole view that comes in, nearly all is known: nothing more is looked at then.
    if (held !== undefined && reader.isPart(held.part) && view.isLive(index)) return false;
    const heldGeneration = view.generation(index);
    if (reader.generation < heldGeneration) return false;
    if (view.roster.name(index) !== "" && view.roster.name(index) !== reader.name) {
      return this.#refuse("field");
    }
    if (reader.generation > heldGeneration) return this.#reborn(nowMs, index, reader);
    if (held !== undefined && isOfOtherBoot(held, reader)) {
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
    const { view, suspicions } = this.#kernel;
    const { index, incarnation } = said;
    if (said.generation > view.generation(index)) return this.#succeeded(nowMs, said);
    if (!this.#isAboutHeld(said)) return;
    const rank = view.rank(index);
    if (rank === DEAD) return this.#raise(index, incarnation);
    if (rank === LEFT) return;
    // A suspicion of a lower incarnation says nothing: the member may have refuted it since.
    if (rank === ALIVE || incarnation > view.incarnation(index)) {
      this.#suspectAt(nowMs, said, "short");
    }
    suspicions.shorten(index, this.#corroborateMs);
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

  get #corroborateMs(): number {
    const { corroborateIntervals, probeIntervalMs } = this.#kernel.config;
    return corroborateIntervals * probeIntervalMs;
  }

  tick(nowMs: number): void {
    const { suspicions, self } = this.#kernel;
    this.expire(nowMs);
    for (let index = suspicions.takeReminder(nowMs); index !== undefined; ) {
      this.#courier.spread(index, this.#courier.statement(index, self.id));
      index = suspicions.takeReminder(nowMs);
    }
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
    if (view.announcement(index)?.generation !== generation) return true;
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
    this.#spreadWord(index);
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
    const { view, config } = this.#kernel;
    const sinceMs = view.tombstones.get(index) ?? nowMs;
    const mayTake = config.reclaimMs > 0 && nowMs - sinceMs >= config.reclaimMs;
    const isLater = reader.incarnation > view.incarnation(index);
    if (view.rank(index) === DEAD && mayTake && isLater) return this.#takeUp(index, reader);
    if (view.isLive(index)) this.#tellConflict(nowMs, index);
    return false;
  }

  #tellConflict(nowMs: number, index: number): void {
    const { view, outbox } = this.#kernel;
    if (!this.#conflicts.passes(index, nowMs)) return;
    outbox.event({ kind: "conflict", conflict: "name", member: view.info(index) });
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
    this.#spreadWord(index);
    if (rank === SUSPECT) {
      suspicions.clear(index);
      this.#event("refuted", index);
    }
    this.#tellUpdate(index, before, held);
    return true;
  }

  /** An `alive` at the incarnation that is held: new only if that incarnation was hearsay so far. */
  #repeated(nowMs: number, index: number, reader: PacketReader, held: Announcement): boolean {
    const { view } = this.#kernel;
    if (!view.isLive(index)) return false;
    if (held.incarnation === reader.incarnation) {
      if (held.address !== reader.address) this.#tellConflict(nowMs, index);
      return false;
    }
    const before = view.info(index);
    view.announce(index, reader);
    if (view.rank(index) === ALIVE) this.#spreadWord(index);
    this.#tellUpdate(index, before, held);
    return true;
  }

  #takeUp(index: number, reader: PacketReader): boolean {
    const { order, config } = this.#kernel;
    if (this.size >= config.maxMembers && !order.has(index)) return this.#refuse("full");
    this.#announce(index, reader);
    this.#spreadWord(index);
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

  /** Passes on what the member itself has said. */
  #spreadWord(index: number): void {
    const word = this.#kernel.view.announcement(index);
    if (word !== undefined) this.#courier.spread(index, word.part);
  }

  #tellUpdate(index: number, before: MemberInfo, held: Announcement | undefined): void {
    const { view, outbox } = this.#kernel;
    const now = view.announcement(index);
    if (now === undefined || held === undefined || now.describesAs(held)) return;
    outbox.event({ kind: "update", member: view.info(index), before });
  }

  #suspectAt(nowMs: number, said: Accusation, time: "full" | "short" = "full"): void {
    const { view, suspicions, config, outbox, self, random } = this.#kernel;
    const { index, generation, incarnation, from } = said;
    const wasAlive = view.rank(index) === ALIVE;
    view.set(index, { generation, incarnation, rank: SUSPECT });
    // Of its own accusation the node reminds others: if it got out to nobody, nobody can refute it.
    const times = suspicionTimes(config, this.size);
    const isOwn = self.is(from.hi, from.lo);
    const remindMs = Math.max(config.probeIntervalMs, this.#corroborateMs);
    suspicions.start(index, nowMs, from, times, isOwn ? remindMs : undefined);
    this.#courier.spread(index, this.#courier.statement(index, from));
    // Gossip may miss the accused for long: some few tell him, and all do where there is little time.
    if (time === "short" || random.below(this.size) < NOTICES) this.#tellAccused(index, from);
    if (!wasAlive) return;
    const by = view.roster.find(from.hi, from.lo);
    const member = view.info(index);
    outbox.event({ kind: "suspect", member, by: by < 0 ? "" : view.roster.name(by) });
  }

  #tellAccused(index: number, from: MemberId): void {
    const to = this.#kernel.view.address(index);
    if (to !== undefined) this.#courier.single(to, this.#courier.statement(index, from));
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
    const { view, suspicions, outbox } = this.#kernel;
    const { generation, incarnation, rank } = standing;
    const wasLive = view.isLive(index);
    // The process that was held, even where it is a later one of which is said that it is over.
    const member = { ...view.info(index), state: stateOf(rank) };
    suspicions.clear(index);
    view.set(index, { generation, incarnation, rank });
    if (!wasLive) return;
    this.#addTombstone(index, nowMs);
    outbox.event({ kind: rank === LEFT ? "left" : "dead", member });
  }

  #addTombstone(index: number, sinceMs: number): void {
    const { tombstones } = this.#kernel.view;
    tombstones.set(index, sinceMs);
    if (tombstones.size <= mostTombstones(this.size)) return;
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

  #event(kind: "join" | "refuted", index: number): void {
    const { view, outbox } = this.#kernel;
    outbox.event({ kind, member: view.info(index) });
  }
}

/** Whether two processes speak in one generation. */
function isOfOtherBoot(held: Announcement, reader: PacketReader): boolean {
  if (held.generation !== reader.generation) return false;
  return held.bootHi !== reader.bootHi || held.bootLo !== reader.bootLo;
}

/** Whether the member that the reader has read speaks the wire that is spoken here. */
export function isCompatible(reader: PacketReader): boolean {
  return reader.wireMin <= WIRE_VERSION && reader.wireMax >= WIRE_VERSION;
}
