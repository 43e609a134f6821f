import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";
import type { GossipDrop, GossipSeal, OpenedGossip } from "../../node/ports.ts";
import { ReplayWindow } from "./replay-window.ts";

/*
 * Envelope of a gossip packet, big endian:
 *
 *   magic "TG" | version(1)=1 | kind(1): 0 plain, 1 sealed | cluster(4) | sender's boot(8) |
 *   receiver's boot(4), 0 if the sender does not know it | seconds since 1970(4) | sequence(8) |
 *   body | tag(16, of sealed ones)
 *
 * AES-256-GCM under a key that HKDF-SHA256 makes of the cluster's key for each sender's boot, so that
 * the sequence number is a nonce that never repeats (NIST SP 800-38D, 8.2.1). The head is
 * authenticated with the body.
 */
const MAGIC_0 = 0x54;
const MAGIC_1 = 0x47;
const VERSION = 1;
const PLAIN = 0;
const SEALED = 1;
const HEAD_BYTES = 32;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const FRESH_SECONDS = 30;
/** Senders whose keys and windows are remembered; the oldest are forgotten. */
const MAX_SENDERS = 4_096;

/** Bytes that an envelope adds to its body. */
export const GOSSIP_OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES;

/** What a seal is made of. */
export interface GossipSealOptions {
  readonly cluster: string;
  /** Hexadecimal, 16 digits; random for each process. */
  readonly bootId: string;
  /** Keys of 32 bytes, the first seals and each opens; none means plain packets. */
  readonly keys: readonly Uint8Array[];
  readonly wallMs: () => number;
}

interface Sender {
  readonly keys: readonly Buffer[];
  readonly window: ReplayWindow;
}

/** Seals and opens the packets of one process. Keys may be changed at any time. */
export class EnvelopeGossipSeal implements GossipSeal {
  readonly overheadBytes = GOSSIP_OVERHEAD_BYTES;
  readonly #options: GossipSealOptions;
  readonly #cluster: number;
  readonly #boot: Buffer;
  readonly #senders = new Map<string, Sender>();
  #keys: readonly Uint8Array[];
  #own: Buffer | undefined;
  #sequence = 0;

  constructor(options: GossipSealOptions) {
    this.#options = options;
    this.#cluster = createHash("sha256").update(options.cluster).digest().readUInt32BE();
    this.#boot = Buffer.from(options.bootId, "hex").subarray(0, 8);
    if (this.#boot.length !== 8) throw new Error("a boot id has 16 hexadecimal digits");
    this.#keys = [];
    this.setKeys(options.keys);
  }

  setKeys(keys: readonly Uint8Array[]): void {
    this.#keys = keys;
    this.#own = keys[0] === undefined ? undefined : derive(keys[0], this.#boot);
    this.#senders.clear();
  }

  seal(body: Uint8Array, receiverBoot: string | undefined): Uint8Array {
    this.#sequence += 1;
    const packet = Buffer.alloc(
      HEAD_BYTES + body.length + (this.#own === undefined ? 0 : TAG_BYTES),
    );
    packet[0] = MAGIC_0;
    packet[1] = MAGIC_1;
    packet[2] = VERSION;
    packet[3] = this.#own === undefined ? PLAIN : SEALED;
    packet.writeUInt32BE(this.#cluster, 4);
    packet.set(this.#boot, 8);
    packet.writeUInt32BE(receiverBoot === undefined ? 0 : shortBoot(receiverBoot), 16);
    packet.writeUInt32BE(Math.floor(this.#options.wallMs() / 1000), 20);
    packet.writeBigUInt64BE(BigInt(this.#sequence), 24);
    if (this.#own === undefined) {
      packet.set(body, HEAD_BYTES);
      return packet;
    }
    const cipher = createCipheriv("aes-256-gcm", this.#own, nonceOf(packet));
    cipher.setAAD(packet.subarray(0, HEAD_BYTES));
    packet.set(cipher.update(body), HEAD_BYTES);
    cipher.final();
    packet.set(cipher.getAuthTag(), HEAD_BYTES + body.length);
    return packet;
  }

  open(bytes: Uint8Array, maxBytes: number): OpenedGossip {
    const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const early = this.#refusal(packet, maxBytes);
    if (early !== undefined) return { kind: "drop", reason: early };
    const boot = packet.toString("hex", 8, 16);
    if (this.#own === undefined) {
      return { kind: "open", body: packet.subarray(HEAD_BYTES), senderBoot: boot };
    }
    const known = this.#senders.get(boot);
    const sender = known ?? this.#sender(packet.subarray(8, 16));
    const body = decrypt(sender.keys, packet);
    if (body === undefined) return { kind: "drop", reason: "auth" };
    // Only what is authentic may move a window, or take a place among the senders.
    const receiver = packet.readUInt32BE(16);
    if (receiver !== 0 && receiver !== this.#boot.readUInt32BE()) {
      return { kind: "drop", reason: "stale" };
    }
    const sentMs = packet.readUInt32BE(20) * 1000;
    if (Math.abs(this.#options.wallMs() - sentMs) > (FRESH_SECONDS + 1) * 1000) {
      return { kind: "drop", reason: "stale" };
    }
    if (!sender.window.accept(packet.readBigUInt64BE(24))) {
      return { kind: "drop", reason: "replay" };
    }
    if (known === undefined) this.#remember(boot, sender);
    return { kind: "open", body, senderBoot: boot };
  }

  /** What is wrong with a packet before anything is decrypted. */
  #refusal(packet: Buffer, maxBytes: number): GossipDrop | undefined {
    if (packet.length < 3) return "short";
    if (packet[0] !== MAGIC_0 || packet[1] !== MAGIC_1) return "magic";
    if (packet[2] !== VERSION) return "version";
    if (packet.length > maxBytes) return "size";
    const sealed = packet[3] === SEALED;
    if (packet.length < HEAD_BYTES + (sealed ? TAG_BYTES : 0)) return "short";
    if (packet.readUInt32BE(4) !== this.#cluster) return "cluster";
    if (!sealed && this.#own !== undefined) return "plain";
    return sealed && this.#own === undefined ? "auth" : undefined;
  }

  #sender(boot: Uint8Array): Sender {
    return { keys: this.#keys.map((key) => derive(key, boot)), window: new ReplayWindow() };
  }

  #remember(boot: string, sender: Sender): void {
    if (this.#senders.size >= MAX_SENDERS) {
      const oldest = this.#senders.keys().next().value;
      if (oldest !== undefined) this.#senders.delete(oldest);
    }
    this.#senders.set(boot, sender);
  }
}

function shortBoot(bootId: string): number {
  return Number.parseInt(bootId.slice(0, 8), 16) >>> 0;
}

function derive(key: Uint8Array, boot: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", key, boot, "troupe gossip", KEY_BYTES));
}

function nonceOf(packet: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  packet.copy(nonce, 4, 24, 32);
  return nonce;
}

function decrypt(keys: readonly Buffer[], packet: Buffer): Uint8Array | undefined {
  const tagAt = packet.length - TAG_BYTES;
  for (const key of keys) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(packet));
    decipher.setAAD(packet.subarray(0, HEAD_BYTES));
    decipher.setAuthTag(packet.subarray(tagAt));
    const body = decipher.update(packet.subarray(HEAD_BYTES, tagAt));
    try {
      decipher.final();
      return body;
    } catch {
      // Another key of the ring may be the right one.
    }
  }
  return undefined;
}
