import type { SwimKernel } from "./kernel.ts";
import { DEAD, LEFT } from "./member.ts";
import { PacketWriter } from "./packet-writer.ts";
import { retransmitLimit } from "./timing.ts";
import { DEAD_PART, LEFT_PART, type MemberId, PACKET_MAGIC, SUSPECT_PART } from "./wire.ts";

const LEAST_QUEUE = 4_096;

/** Makes the node's datagrams: each takes along as much gossip as fits. */
export class Courier {
  readonly #kernel: SwimKernel;
  readonly #writer: PacketWriter;
  readonly #partWriter = new PacketWriter(64);
  readonly #largest: number;

  constructor(kernel: SwimKernel) {
    const { config } = kernel;
    this.#kernel = kernel;
    this.#largest = config.packetBytes - config.sealBytes;
    this.#writer = new PacketWriter(this.#largest);
  }

  /** The next datagram, its header written. Parts go in, then `dispatch`. */
  begin(): PacketWriter {
    this.#writer.begin(PACKET_MAGIC, this.#kernel.self.header);
    return this.#writer;
  }

  /** Fills the datagram up with gossip and sends it. */
  dispatch(to: string): void {
    const { queue, config, order, outbox } = this.#kernel;
    const limit = retransmitLimit(config.retransmitMult, order.length + 1);
    queue.fill(this.#writer, this.#largest - this.#writer.length, limit);
    outbox.send(to, this.#writer.finish());
  }

  /** Sends gossip alone; false if there is none. */
  gossip(to: string): boolean {
    this.begin();
    if (this.#kernel.queue.length === 0) return false;
    this.dispatch(to);
    return true;
  }

  /** Sends one part as it is and nothing else. */
  single(to: string, part: Uint8Array): void {
    this.begin().part(part);
    this.#kernel.outbox.send(to, this.#writer.finish());
  }

  /** What is held of a member that is suspect, dead or left, as a part, on the word of `from`. */
  statement(index: number, from: MemberId): Uint8Array {
    const { view } = this.#kernel;
    const standing = view.standing(index);
    const { rank } = standing;
    const tag = rank === LEFT ? LEFT_PART : rank === DEAD ? DEAD_PART : SUSPECT_PART;
    this.#partWriter.clear();
    this.#partWriter.statement(tag, view.roster.id(index), standing, from);
    return this.#partWriter.finish();
  }

  /** Spreads a part about a member. */
  spread(index: number, part: Uint8Array): void {
    const { queue, order } = this.#kernel;
    queue.add(index, part);
    if (queue.length > LEAST_QUEUE) queue.prune(Math.max(LEAST_QUEUE, 2 * order.length));
  }
}
