import { META_BYTES } from "./node-meta.ts";

/*
 * The wire of membership, version 1. All numbers are big-endian; a member's id is the xxHash64 of its
 * name, which itself travels in `alive` alone.
 *
 *   header  magic u8 | version u8 | cluster hash u32 | sender id u64 | sender generation u48 |
 *           sender incarnation u32 | view digest u32
 *   part    tag u8 | length u8 below 128, else u16 with the top bit set | body
 *
 * A datagram is a header and parts; so is a frame of a stream, with another magic. Parts with an
 * unknown tag are skipped, and so are the bytes of a body behind the fields that are known.
 */

/** First byte of a datagram. */
export const PACKET_MAGIC = 0xac;
/** First byte of a frame on a stream: what strays to the other transport is dropped at once. */
export const FRAME_MAGIC = 0xad;
/** The version of the wire that is spoken. */
export const WIRE_VERSION = 1;
/** Bytes before the first part. */
export const HEADER_BYTES = 28;

/** Tags of parts. Numbers are never given a second meaning. */
export const PING = 1;
/** Ask a relay to ping a member: `seq u32 | nack delay u16 | target id u64`. */
export const PING_REQUEST = 2;
/** `seq u32`. */
export const ACK = 3;
/** The relay lives and has heard nothing of the target yet: `seq u32`. */
export const NACK = 4;
/** A member about itself, passed on as it stands. */
export const ALIVE_PART = 5;
/** `id u64 | generation u48 | incarnation u32 | accuser id u64`. */
export const SUSPECT_PART = 6;
/** As `SUSPECT_PART`; in a frame followed by the age in seconds, u32. */
export const DEAD_PART = 7;
/** A member's farewell: `id u64 | generation u48 | incarnation u32`, in a frame the age. */
export const LEFT_PART = 8;
/** Begins an exchange of views: `strategy digest u32 | another digest of the view u32`. */
export const SYNC = 9;
/** The answer to an exchange that is refused: `reason u8`. */
export const REFUSED = 10;

/** Bounds of what an `alive` carries. */
export const NAME_BYTES = 64;
/** The longest address, as text. */
export const ADDRESS_BYTES = 80;
/** Generations are 48 bits: milliseconds since 1970 for the next eight thousand years. */
export const MAX_GENERATION = 2 ** 48 - 1;

/** Bytes of an `alive` body besides name, address and meta. */
export const ALIVE_FIXED_BYTES = 24;
/** No single part of a datagram is larger. */
export const LARGEST_PART_BYTES = 3 + ALIVE_FIXED_BYTES + NAME_BYTES + ADDRESS_BYTES + META_BYTES;

/** The largest part of a frame that says something of another member. */
export const STATEMENT_BYTES = 2 + 26 + 4;

/** Why an exchange of views is refused; the index is the number on the wire. */
export const REFUSALS = ["cluster", "protocol", "strategy", "name", "leaving"] as const;

/** One of the reasons above. */
export type Refusal = (typeof REFUSALS)[number];

/** A member's id: the xxHash64 of its name in two unsigned halves. */
export interface MemberId {
  readonly hi: number;
  readonly lo: number;
}

/** What every packet says of its sender. */
export interface Header {
  readonly clusterHash: number;
  readonly sender: MemberId;
  readonly generation: number;
  readonly incarnation: number;
  readonly digest: number;
}

/** What an `alive` says of a member. */
export interface AliveFields {
  readonly name: string;
  readonly address: string;
  readonly bootId: string;
  readonly generation: number;
  readonly incarnation: number;
  readonly wireMin: number;
  readonly wireMax: number;
  readonly meta: Uint8Array;
}
