import type { Courier } from "./courier.ts";
import type { Defence } from "./defence.ts";
import type { DropReason } from "./effects.ts";
import type { SwimKernel } from "./kernel.ts";
import { DEAD, LEFT, type Rank, SUSPECT, UNKNOWN } from "./member.ts";
import { isCompatible, type Membership } from "./membership.ts";
import { PacketReader } from "./packet-reader.ts";
import { PacketWriter } from "./packet-writer.ts";
import {
  ALIVE_PART,
  DEAD_PART,
  FRAME_MAGIC,
  HEADER_BYTES,
  LEFT_PART,
  REFUSALS,
  REFUSED,
  type Refusal,
  STATEMENT_BYTES,
  SUSPECT_PART,
  SYNC,
} from "./wire.ts";

/** What a frame turned out to be before anything of it was taken over. */
export type FrameVerdict =
  /** `isSame`: the live members and what they announced are those that are held here. */
  | { readonly kind: "view"; readonly isSame: boolean }
  | { readonly kind: "refused"; readonly reason: Refusal }
  /** Damaged or not meant for this: nothing of it counts. */
  | { readonly kind: "dropped"; readonly reason: DropReason };

const SYNC_BYTES = 10;

/** Whole views as frames: written, looked through before they count, and taken over. */
export class ViewFrames {
  readonly #kernel: SwimKernel;
  readonly #courier: Courier;
  readonly #membership: Membership;
  readonly #defence: Defence;
  readonly #reader = new PacketReader();

  constructor(kernel: SwimKernel, courier: Courier, membership: Membership, defence: Defence) {
    this.#kernel = kernel;
    this.#courier = courier;
    this.#membership = membership;
    this.#defence = defence;
  }

  /**
   * All that is held: the live with what they announced, the accused with the accusation, the dead and
   * left with their age. To a side that holds the same members only what it may not know is said.
   */
  write(nowMs: number, to: "any" | "same" = "any"): Uint8Array {
    const { view, self, config, order } = this.#kernel;
    // Frames are rare and large: their buffers are not kept.
    const writer = new PacketWriter(this.#size());
    writer.begin(FRAME_MAGIC, self.header);
    writer.sync(config.strategyDigest, view.otherDigest);
    for (let at = -1; at < order.length; at += 1) {
      const index = at < 0 ? self.index : order.at(at);
      if (!view.isLive(index)) continue;
      // The local node's own word may be a refutation of what has just come in.
      if (to === "any" || at < 0) this.#writeWord(writer, index);
      if (view.rank(index) === SUSPECT) this.#writeAccusation(writer, index);
    }
    for (const [index, sinceMs] of view.tombstones) {
      const tag = view.rank(index) === LEFT ? LEFT_PART : DEAD_PART;
      const ageS = Math.floor((nowMs - sinceMs) / 1_000);
      writer.statement(tag, view.roster.id(index), view.standing(index), self.id, ageS);
    }
    return writer.finish();
  }

  refusal(reason: Refusal): Uint8Array {
    const writer = new PacketWriter(HEADER_BYTES + 3);
    writer.begin(FRAME_MAGIC, this.#kernel.self.header);
    writer.refused(REFUSALS.indexOf(reason));
    return writer.finish();
  }

  /** Looks a frame through from its first byte to its last, and takes nothing of it over. */
  check(bytes: Uint8Array): FrameVerdict {
    const { config } = this.#kernel;
    const reader = this.#reader;
    if (bytes.length > config.frameBytes) return { kind: "dropped", reason: "size" };
    const fault = reader.open(bytes, FRAME_MAGIC);
    if (fault === "version") return { kind: "refused", reason: "protocol" };
    if (fault !== undefined) return { kind: "dropped", reason: fault };
    if (reader.clusterHash !== config.clusterHash) return { kind: "refused", reason: "cluster" };
    if (!reader.next()) return { kind: "dropped", reason: "decode" };
    if (reader.tag === REFUSED && reader.readRefused()) {
      return { kind: "refused", reason: REFUSALS[reader.reason] ?? "protocol" };
    }
    if (reader.tag !== SYNC || !reader.readSync()) return { kind: "dropped", reason: "decode" };
    if (reader.strategyDigest !== config.strategyDigest) {
      return { kind: "refused", reason: "strategy" };
    }
    const { digest, otherDigest } = this.#kernel.view;
    const isSame = reader.digest === digest && reader.otherDigest === otherDigest;
    return this.#checkMembers() ?? { kind: "view", isSame };
  }

  /**
   * Takes a frame over that `check` found to be a view, without what is the same. Answers of how many
   * members it told news.
   */
  merge(nowMs: number, bytes: Uint8Array, isSame: boolean): number {
    const { view, self } = this.#kernel;
    const reader = this.#reader;
    reader.open(bytes, FRAME_MAGIC);
    const sender = { hi: reader.senderHi, lo: reader.senderLo };
    let news = 0;
    while (reader.next()) {
      if (reader.tag === ALIVE_PART) {
        if (isSame) continue;
        if (!reader.readAlive()) this.#kernel.outbox.drop("field");
        else if (this.#membership.alive(nowMs, reader)) news += 1;
        continue;
      }
      const rank = rankOf(reader.tag);
      if (rank === UNKNOWN || !reader.readStatement()) continue;
      if (self.is(reader.idHi, reader.idLo)) {
        const { generation, incarnation } = reader;
        this.#defence.accused({ generation, incarnation, rank });
        continue;
      }
      const index = view.roster.find(reader.idHi, reader.idLo);
      const { generation, incarnation } = reader;
      const isKnown = view.rank(index) !== UNKNOWN;
      // A suspicion has the accuser it had there, or exchanges would seem to confirm it.
      const from = rank === SUSPECT ? { hi: reader.fromHi, lo: reader.fromLo } : sender;
      if (isKnown) this.#accuse(nowMs, rank, { index, generation, incarnation, from });
      else if (rank !== SUSPECT) this.#addTombstone(nowMs, rank);
    }
    reader.close();
    return news;
  }

  /**
   * Counts the members and looks at the sender's own `alive`, which is the first. Answers why the
   * frame does not count, if so.
   */
  #checkMembers(): FrameVerdict | undefined {
    const reader = this.#reader;
    let members = 0;
    while (reader.next()) {
      if (reader.tag !== ALIVE_PART) continue;
      members += 1;
      if (members > this.#kernel.config.maxMembers) return { kind: "dropped", reason: "size" };
      if (members > 1 || !reader.readAlive()) continue;
      if (reader.idHi !== reader.senderHi || reader.idLo !== reader.senderLo) continue;
      if (this.#isMyself()) return { kind: "dropped", reason: "self" };
      if (!isCompatible(reader)) return { kind: "refused", reason: "protocol" };
      if (this.#isNameTaken()) return { kind: "refused", reason: "name" };
    }
    return reader.isWhole ? undefined : { kind: "dropped", reason: "decode" };
  }

  /** Whether the sender is this process, found at another of its addresses. */
  #isMyself(): boolean {
    const { self, view } = this.#kernel;
    const own = view.announcement(self.index);
    const { idHi, idLo, bootHi, bootLo } = this.#reader;
    return self.is(idHi, idLo) && bootHi === own?.bootHi && bootLo === own.bootLo;
  }

  /** Whether the sender, whose own `alive` was just read, goes by a name that another process has. */
  #isNameTaken(): boolean {
    const { view, self } = this.#kernel;
    const reader = this.#reader;
    if (self.is(reader.idHi, reader.idLo)) {
      this.#defence.announced(reader);
      return true;
    }
    const index = view.roster.find(reader.idHi, reader.idLo);
    if (!view.isLive(index)) return false;
    const held = view.announcement(index);
    if (held === undefined || reader.generation > view.generation(index)) return false;
    if (reader.generation < view.generation(index)) return true;
    return held.bootHi !== reader.bootHi || held.bootLo !== reader.bootLo;
  }

  #accuse(nowMs: number, rank: Rank, said: Parameters<Membership["suspect"]>[1]): void {
    const isNewer = said.generation > this.#kernel.view.generation(said.index);
    if (rank === LEFT) this.#membership.left(nowMs, said);
    else if (rank === DEAD && isNewer) this.#membership.dead(nowMs, said);
    // A death in another's view is an accusation in this one: after a partition there are many of
    // them, and all must have the time to refute.
    else this.#membership.suspect(nowMs, said);
  }

  #addTombstone(nowMs: number, rank: Rank): void {
    const reader = this.#reader;
    const sinceMs = nowMs - 1_000 * reader.ageS;
    if (sinceMs + this.#kernel.config.tombstoneMs <= nowMs) return;
    const { generation, incarnation } = reader;
    const standing = { generation, incarnation, rank };
    this.#membership.tombstone(reader.idHi, reader.idLo, standing, sinceMs);
  }

  #writeWord(writer: PacketWriter, index: number): void {
    const word = this.#kernel.view.announcement(index);
    if (word !== undefined) writer.part(word.part);
  }

  #writeAccusation(writer: PacketWriter, index: number): void {
    const { self, suspicions } = this.#kernel;
    const accuser = suspicions.accuser(index) ?? self.id;
    writer.part(this.#courier.statement(index, accuser));
  }

  #size(): number {
    const { view, order, self } = this.#kernel;
    let bytes = HEADER_BYTES + SYNC_BYTES + self.part.length;
    for (let at = 0; at < order.length; at += 1) {
      const announcement = view.announcement(order.at(at));
      bytes += STATEMENT_BYTES + (announcement?.part.length ?? 0);
    }
    return bytes + STATEMENT_BYTES * view.tombstones.size;
  }
}

function rankOf(tag: number): Rank {
  if (tag === SUSPECT_PART) return SUSPECT;
  if (tag === DEAD_PART) return DEAD;
  return tag === LEFT_PART ? LEFT : UNKNOWN;
}
