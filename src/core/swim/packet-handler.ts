import type { AntiEntropy } from "./anti-entropy.ts";
import type { Courier } from "./courier.ts";
import type { Defence } from "./defence.ts";
import type { DropReason } from "./effects.ts";
import type { SwimKernel } from "./kernel.ts";
import { DEAD, LEFT, type Rank, SUSPECT, UNKNOWN } from "./member.ts";
import type { Membership } from "./membership.ts";
import { PacketReader } from "./packet-reader.ts";
import { PacketWriter } from "./packet-writer.ts";
import type { Prober } from "./prober.ts";
import { RateLimit } from "./rate-limit.ts";
import type { Relays } from "./relays.ts";
import { NOBODY } from "./roster.ts";
import {
  ACK,
  ALIVE_PART,
  DEAD_PART,
  FRAME_MAGIC,
  HEADER_BYTES,
  LEFT_PART,
  NACK,
  PACKET_MAGIC,
  PING,
  PING_REQUEST,
  SUSPECT_PART,
} from "./wire.ts";

/** More parts of one datagram are not looked at. */
const MOST_PARTS = 64;
const NOTICE_EVERY_MS = 1_000;

/** The parts of a core that datagrams reach. */
export interface PacketTargets {
  readonly courier: Courier;
  readonly defence: Defence;
  readonly membership: Membership;
  readonly prober: Prober;
  readonly relays: Relays;
  readonly antiEntropy: AntiEntropy;
}

/** Takes datagrams apart and hands each part to whom it concerns. */
export class PacketHandler {
  readonly #kernel: SwimKernel;
  readonly #targets: PacketTargets;
  readonly #reader = new PacketReader();
  readonly #writer = new PacketWriter(HEADER_BYTES + 16);
  readonly #notices = new RateLimit(NOTICE_EVERY_MS);

  constructor(kernel: SwimKernel, targets: PacketTargets) {
    this.#kernel = kernel;
    this.#targets = targets;
  }

  /** Takes a datagram in. Answers why it was dropped as a whole, if it was. */
  packet(nowMs: number, from: string, bytes: Uint8Array): DropReason | undefined {
    const { config, self, view } = this.#kernel;
    const reader = this.#reader;
    if (bytes.length > config.packetBytes - config.sealBytes) return "size";
    const fault = reader.open(bytes, PACKET_MAGIC);
    if (fault !== undefined) return fault;
    if (reader.clusterHash !== config.clusterHash) return "cluster";
    if (self.is(reader.senderHi, reader.senderLo)) return "self";
    const index = view.roster.find(reader.senderHi, reader.senderLo);
    const sender = view.rank(index) === UNKNOWN ? NOBODY : index;
    const { senderGeneration, senderIncarnation } = reader;
    const { membership } = this.#targets;
    if (sender !== NOBODY && !membership.heard(sender, senderGeneration, senderIncarnation)) {
      this.#notice(nowMs, sender, from);
      return "outdated";
    }
    this.#parts(nowMs, from, sender);
    return undefined;
  }

  /** A ping that came over a stream. Answers the frame to send back, or what it is if it is no ping. */
  streamPing(bytes: Uint8Array): Uint8Array | "target" | "other" {
    const { config, self } = this.#kernel;
    const reader = this.#reader;
    const isRead = reader.open(bytes, FRAME_MAGIC) === undefined && reader.next();
    const isPing = isRead && reader.tag === PING && reader.readPing();
    reader.close();
    if (!isPing || reader.clusterHash !== config.clusterHash) return "other";
    if (reader.idLo !== self.id.lo) return "target";
    this.#writer.begin(FRAME_MAGIC, self.header);
    this.#writer.answer(ACK, reader.seq);
    return this.#writer.finish();
  }

  /** The answer to a ping that went over a stream to the member at `index`. */
  streamAck(index: number, seq: number, bytes: Uint8Array): void {
    const { config, view, outbox } = this.#kernel;
    const reader = this.#reader;
    const fault = reader.open(bytes, FRAME_MAGIC);
    if (fault !== undefined) return outbox.drop(fault);
    const sender = view.roster.find(reader.senderHi, reader.senderLo);
    const isMeant = reader.clusterHash === config.clusterHash && sender === index;
    if (!isMeant || !reader.next() || reader.tag !== ACK || !reader.readAnswer()) {
      return outbox.drop("unsolicited");
    }
    if (reader.seq === seq) this.#targets.prober.ackedByStream(seq);
  }

  #parts(nowMs: number, from: string, sender: number): void {
    const { outbox } = this.#kernel;
    const reader = this.#reader;
    let parts = 0;
    while (reader.next()) {
      parts += 1;
      if (parts > MOST_PARTS) return outbox.drop("parts");
      const dropped = this.#part(nowMs, from, sender);
      if (dropped !== undefined) outbox.drop(dropped);
    }
    if (!reader.isWhole) outbox.drop("decode");
  }

  #part(nowMs: number, from: string, sender: number): DropReason | undefined {
    const reader = this.#reader;
    const { tag } = reader;
    if (this.#kernel.self.status === "leaving" && tag !== PING) return undefined;
    switch (tag) {
      case PING:
        return reader.readPing() ? this.#ping(nowMs, from, sender) : "decode";
      case PING_REQUEST:
        return reader.readPingRequest() ? this.#pingRequest(nowMs, from) : "decode";
      case ACK:
      case NACK:
        return reader.readAnswer() ? this.#answer(nowMs, from, sender) : "decode";
      case ALIVE_PART:
        if (!reader.readAlive()) return "field";
        this.#targets.membership.alive(nowMs, reader);
        return undefined;
      case SUSPECT_PART:
        return reader.readStatement() ? this.#statement(nowMs, from, SUSPECT) : "decode";
      case DEAD_PART:
        return reader.readStatement() ? this.#statement(nowMs, from, DEAD) : "decode";
      case LEFT_PART:
        return reader.readStatement() ? this.#statement(nowMs, from, LEFT) : "decode";
      default:
        return "kind";
    }
  }

  #ping(nowMs: number, from: string, sender: number): DropReason | undefined {
    const { self } = this.#kernel;
    const reader = this.#reader;
    if (reader.idLo !== self.id.lo) return "target";
    this.#hearDigest(nowMs, sender);
    this.#targets.courier.begin().answer(ACK, reader.seq);
    this.#targets.courier.dispatch(from);
    return undefined;
  }

  /** Only members are pinged for others: a request cannot name an address. */
  #pingRequest(nowMs: number, from: string): DropReason | undefined {
    const { view, self } = this.#kernel;
    const { courier, relays, prober } = this.#targets;
    const reader = this.#reader;
    const index = view.roster.find(reader.idHi, reader.idLo);
    const address = view.address(index);
    if (address === undefined || index === self.index) {
      // The asker learns at least that this relay lives.
      courier.begin().answer(NACK, reader.seq);
      courier.dispatch(from);
      return "address";
    }
    const asker = { address: from, seq: reader.seq };
    const seq = relays.add(nowMs, asker, { index, address }, reader.nackDelayMs);
    if (seq !== undefined) prober.ping(index, address, seq);
    return undefined;
  }

  #answer(nowMs: number, from: string, sender: number): DropReason | undefined {
    const { prober, relays } = this.#targets;
    const { seq, tag } = this.#reader;
    if (sender === NOBODY) return "unsolicited";
    if (tag === NACK) return prober.nacked(seq, sender, from) ? undefined : "unsolicited";
    if (!prober.acked(seq, sender, from) && !relays.acked(seq, sender, from)) return "unsolicited";
    this.#hearDigest(nowMs, sender);
    return undefined;
  }

  #statement(nowMs: number, from: string, rank: Rank): DropReason | undefined {
    const { view, self } = this.#kernel;
    const { courier, membership, defence } = this.#targets;
    const reader = this.#reader;
    const { generation, incarnation } = reader;
    if (self.is(reader.idHi, reader.idLo)) {
      // Whoever tells it is the first to hear the contrary, whomever else gossip reaches.
      if (defence.accused({ generation, incarnation, rank })) courier.single(from, self.part);
      return undefined;
    }
    const index = view.roster.find(reader.idHi, reader.idLo);
    if (view.rank(index) === UNKNOWN) return "unknown";
    const accuser = { hi: reader.fromHi, lo: reader.fromLo };
    const said = { index, generation, incarnation, from: accuser };
    if (rank === SUSPECT) membership.suspect(nowMs, said);
    else if (rank === DEAD) membership.dead(nowMs, said);
    else membership.left(nowMs, said);
    return undefined;
  }

  #hearDigest(nowMs: number, sender: number): void {
    if (!this.#kernel.view.isLive(sender)) return;
    this.#targets.antiEntropy.heard(nowMs, sender, this.#reader.digest);
  }

  /** Tells a member that it is held dead or left, or that a later process has its name. */
  #notice(nowMs: number, sender: number, to: string): void {
    const { view, self } = this.#kernel;
    const { courier } = this.#targets;
    if (!this.#notices.passes(sender, nowMs)) return;
    const part = view.isLive(sender)
      ? view.announcement(sender)?.part
      : courier.statement(sender, self.id);
    if (part !== undefined) courier.single(to, part);
  }
}
