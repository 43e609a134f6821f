import { assert } from "../../std/assert.ts";
import { ALIVE } from "./member.ts";
import { META_BYTES } from "./node-meta.ts";
import { PacketReader } from "./packet-reader.ts";
import { PacketWriter } from "./packet-writer.ts";
import type { View } from "./view.ts";
import {
  ADDRESS_BYTES,
  type Header,
  HEADER_BYTES,
  LARGEST_PART_BYTES,
  MAX_GENERATION,
  type MemberId,
  NAME_BYTES,
  PACKET_MAGIC,
  WIRE_VERSION,
} from "./wire.ts";

/** Who the local node is. */
export interface SwimIdentity {
  /** Stable and unique in the cluster: printable ASCII, at most 64 characters. */
  readonly name: string;
  /** `host:port` with a literal address, from which the node's packets come; at most 80 characters. */
  readonly address: string;
  /** Sixteen lower-case hexadecimal digits, drawn anew by each process. */
  readonly bootId: string;
  /** Larger than that of every earlier process of the name; below 2^48. */
  readonly generation: number;
  /** At most 512 bytes. */
  readonly meta: Uint8Array;
}

/** The local node among the members: what it says of itself, and whether it still takes part. */
export class LocalNode {
  readonly identity: SwimIdentity;
  readonly id: MemberId;
  readonly index: number;
  status: "running" | "leaving" | "gone" = "running";
  #incarnation = 1;
  #meta: Uint8Array;
  #seq = 0;
  readonly #clusterHash: number;
  readonly #view: View;
  readonly #writer = new PacketWriter(HEADER_BYTES + LARGEST_PART_BYTES);
  readonly #reader = new PacketReader();

  constructor(identity: SwimIdentity, clusterHash: number, view: View) {
    const { name, address, bootId, generation, meta } = identity;
    assert(/^[!-~]+$/.test(name) && name.length <= NAME_BYTES, "a member's name fits the wire");
    assert(/^[!-~]+$/.test(address) && address.length <= ADDRESS_BYTES, "an address fits the wire");
    assert(/^[0-9a-f]{16}$/.test(bootId), "a boot id is sixteen hexadecimal digits");
    const isGeneration = Number.isSafeInteger(generation) && generation >= 0;
    assert(isGeneration && generation <= MAX_GENERATION, "a generation has 48 bits");
    this.identity = identity;
    this.#clusterHash = clusterHash;
    this.#view = view;
    this.#meta = meta;
    this.#say();
    this.id = { hi: this.#reader.idHi, lo: this.#reader.idLo };
    const standing = { generation, incarnation: this.#incarnation, rank: ALIVE } as const;
    this.index = view.enter(this.id.hi, this.id.lo, standing);
    view.announce(this.index, this.#reader);
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  get header(): Header {
    return {
      clusterHash: this.#clusterHash,
      sender: this.id,
      generation: this.identity.generation,
      incarnation: this.#incarnation,
      digest: this.#view.digest,
    };
  }

  /** What is said of the local node now, as a part. */
  get part(): Uint8Array {
    return this.#view.announcement(this.index)?.part ?? new Uint8Array(0);
  }

  is(hi: number, lo: number): boolean {
    return hi === this.id.hi && lo === this.id.lo;
  }

  /** A number for the next question; not used again for four billion questions. */
  nextSeq(): number {
    this.#seq = this.#seq === 0xffffffff ? 1 : this.#seq + 1;
    return this.#seq;
  }

  /** Announces the node anew under a higher incarnation. */
  announce(incarnation: number, meta: Uint8Array = this.#meta): void {
    assert(meta.length <= META_BYTES, "a member's meta is at most 512 bytes");
    this.#incarnation = incarnation;
    this.#meta = meta;
    this.#say();
    const { generation } = this.identity;
    this.#view.set(this.index, { generation, incarnation, rank: ALIVE });
    this.#view.announce(this.index, this.#reader);
  }

  /** Writes the node's `alive` and reads it back, as any other member would. */
  #say(): void {
    const { name, address, bootId, generation } = this.identity;
    assert(this.#meta.length <= META_BYTES, "a member's meta is at most 512 bytes");
    const sender = { hi: 0, lo: 0 };
    const header = { clusterHash: 0, sender, generation: 0, incarnation: 0, digest: 0 };
    this.#writer.begin(PACKET_MAGIC, header);
    this.#writer.alive({
      name,
      address,
      bootId,
      generation,
      incarnation: this.#incarnation,
      wireMin: WIRE_VERSION,
      wireMax: WIRE_VERSION,
      meta: this.#meta,
    });
    this.#reader.open(this.#writer.finish(), PACKET_MAGIC);
    this.#reader.next();
    assert(this.#reader.readAlive(), "what the node says of itself can be read");
  }
}
