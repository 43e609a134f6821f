import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** The largest description of a node, encoded. */
export const META_BYTES = 512;

/** What a node says of itself to all others. Changes of it are gossip: only what changes slowly. */
export interface NodeMeta {
  readonly tags: Readonly<Record<string, string>>;
  /** Positive; kept in thousandths, at most four million. 1 is an ordinary node. */
  readonly weight: number;
  /** Nothing new is to be placed on the node. */
  readonly draining: boolean;
  /** Versions of the protocol between peers, 0 to 65,535. */
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** Fingerprint of the actor types that the node's hosts serve; at most 32 bytes. */
  readonly typesDigest: Uint8Array;
}

/** A description that is being read. */
type Mutable = { -readonly [K in keyof NodeMeta]: NodeMeta[K] } & { tags: Record<string, string> };

/** What a node is that says nothing of itself. */
const ORDINARY: Readonly<Omit<NodeMeta, "tags">> = {
  weight: 1,
  draining: false,
  protocolMin: 0,
  protocolMax: 0,
  typesDigest: new Uint8Array(0),
};
const VERSION = 1;
const WEIGHT = 1;
const FLAGS = 2;
const PROTOCOLS = 3;
const TYPES = 4;
const TAG = 5;
const DRAINING = 1;
const PART_BYTES = 255;
const DIGEST_BYTES = 32;

/**
 * The description as bytes: a version, then fields of `tag u8 | length u16 | body` in a fixed order, so
 * that equal descriptions have equal bytes. `undefined` if it is larger than 512 bytes or has a part
 * that cannot be said.
 */
export function encodeNodeMeta(meta: NodeMeta): Uint8Array | undefined {
  const thousandths = Math.round(meta.weight * 1_000);
  const isSound =
    thousandths > 0 &&
    thousandths < 2 ** 32 &&
    isU16(meta.protocolMin) &&
    isU16(meta.protocolMax) &&
    meta.typesDigest.length <= DIGEST_BYTES;
  if (!isSound) return undefined;
  const bytes = [VERSION];
  field(bytes, WEIGHT, [thousandths >>> 24, thousandths >>> 16, thousandths >>> 8, thousandths]);
  field(bytes, FLAGS, [meta.draining ? DRAINING : 0]);
  const { protocolMin, protocolMax } = meta;
  field(bytes, PROTOCOLS, [protocolMin >> 8, protocolMin, protocolMax >> 8, protocolMax]);
  field(bytes, TYPES, [...meta.typesDigest]);
  const names = Object.keys(meta.tags).toSorted((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    const [key, value] = [name, meta.tags[name] ?? ""].map(encodeUtf8);
    if (key === undefined || value === undefined || key.length > PART_BYTES) return undefined;
    field(bytes, TAG, [key.length, ...key, ...value]);
  }
  return bytes.length > META_BYTES ? undefined : Uint8Array.from(bytes);
}

/**
 * Reads a description; `undefined` if it is none. Fields and trailing bytes that a newer version has
 * added are skipped; what an older one lacks has its ordinary value.
 */
export function decodeNodeMeta(bytes: Uint8Array): NodeMeta | undefined {
  if (bytes.length > META_BYTES || bytes[0] === undefined || bytes[0] < VERSION) return undefined;
  const meta = { ...ORDINARY, tags: {} };
  for (let at = 1; at < bytes.length; ) {
    const length = u16(bytes, at + 1);
    const end = at + 3 + length;
    if (end > bytes.length || !readField(meta, bytes[at] ?? 0, bytes.subarray(at + 3, end))) {
      return undefined;
    }
    at = end;
  }
  return meta;
}

/** False if the field is malformed; one that is unknown, or too short to be known, is skipped. */
function readField(meta: Mutable, tag: number, body: Uint8Array): boolean {
  if (tag === TAG) return readTag(body, meta.tags);
  if (tag === WEIGHT && body.length >= 4) {
    meta.weight = (u16(body, 0) * 0x10000 + u16(body, 2)) / 1_000;
    return meta.weight > 0;
  }
  if (tag === FLAGS && body.length >= 1) meta.draining = ((body[0] ?? 0) & DRAINING) !== 0;
  else if (tag === PROTOCOLS && body.length >= 4) {
    meta.protocolMin = u16(body, 0);
    meta.protocolMax = u16(body, 2);
  } else if (tag === TYPES) {
    meta.typesDigest = body.slice();
    return body.length <= DIGEST_BYTES;
  }
  return true;
}

function readTag(body: Uint8Array, tags: Record<string, string>): boolean {
  const keyEnd = 1 + (body[0] ?? 0);
  if (keyEnd > body.length) return false;
  const key = decodeUtf8(body.subarray(1, keyEnd));
  const value = decodeUtf8(body.subarray(keyEnd));
  if (key === undefined || value === undefined) return false;
  // A tag may have any name, that of a property of every object too.
  Object.defineProperty(tags, key, { value, enumerable: true, writable: true, configurable: true });
  return true;
}

function field(bytes: number[], tag: number, body: readonly number[]): void {
  bytes.push(tag, body.length >> 8, body.length & 0xff);
  for (const byte of body) bytes.push(byte & 0xff);
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function isU16(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff;
}
