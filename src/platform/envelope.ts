import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
  randomFillSync,
} from "node:crypto";
import type { ActorId } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import type { KeyCheck, KeyFact, Sealer, SealPurpose, Seed, SeedMaker } from "../node/sealer.ts";
import { assert } from "../std/assert.ts";
import type { Keyring, StateKey } from "./envelope-keyring.ts";

export { parseKeyring } from "./envelope-keyring.ts";

/*
 * Envelope: version(1)=1 | algorithm(1) | key id(8) | salt(16) | ciphertext | tag(16).
 * HKDF-SHA256 (RFC 5869) makes a key and a nonce for each write from a fresh salt, so that the
 * bounds of AES-256-GCM with random nonces (NIST SP 800-38D) are never near. Version 0 marks bytes
 * that were stored in the clear.
 *
 * Algorithm 1 derives from the state key alone. Algorithm 2 derives from state key and seed, 32
 * random bytes that each actor has of its own: the input keying material is the one after the other.
 * Both have a fixed length, so no two pairs give the same input, and joining secrets before the
 * extraction is what NIST SP 800-56C (revision 2, section 2) allows for them; whoever lacks either
 * lacks 256 bits of what HKDF extracts from, and so has nothing of the key. That is what makes
 * shredding work: a store that drops the seed drops the last copy of half of the key. The seed
 * itself lies in the store under algorithm 1, sealed like anything else for its actor and purpose.
 * Key derivation separates the two algorithms by their `info`, and the additional data names them.
 */
const VERSION = 1;
const VERSION_PLAIN = 0;
const SEEDLESS = 1;
const SEEDED = 2;
type Algorithm = typeof SEEDLESS | typeof SEEDED;

const ID_AT = 2;
const SALT_AT = 10;
const SALT_BYTES = 16;
const TEXT_AT = SALT_AT + SALT_BYTES;
const TAG_BYTES = 16;
const SHORTEST = TEXT_AT + TAG_BYTES;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const SEED_BYTES = 32;
/** Salts are drawn many at a time: one call of the generator costs as much as sealing. */
const SALT_POOL_BYTES = 4096;

const CHECK_ACTOR: ActorId = { system: "troupe-internal", type: "key-check", key: "" };
const CHECK_TEXT = new TextEncoder().encode("troupe key check");

function corrupt(message: string, reason: string): ServerError {
  return new ServerError("state.corrupt", message, "not_applied", { reason });
}

/** Options of a sealer. */
export interface SealerOptions {
  /** Also opens bytes stored in the clear: while a store is moved to encryption, and only then. */
  readonly acceptPlain?: boolean;
}

/** A sealer over `keyring` for one cluster. */
export function makeSealer(
  keyring: Keyring,
  cluster: string,
  { acceptPlain = false }: SealerOptions = {},
): Sealer {
  return new EnvelopeSealer(keyring, cluster, acceptPlain);
}

/** A seed in memory. Its bytes are no property, so no log and no message can show them. */
class OpenSeed implements Seed {
  readonly kind = "seed";
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  writeTo(material: Uint8Array): void {
    material.set(this.#bytes, KEY_BYTES);
  }
}

/** A state key with room for a seed behind it: what algorithm 2 derives from. */
interface KeyMaterial {
  readonly key: StateKey;
  readonly joined: Uint8Array;
}

class EnvelopeSealer implements Sealer {
  readonly activeKeyId: Uint8Array;
  readonly keys: readonly KeyFact[];
  readonly checks: readonly KeyCheck[];
  readonly seeds: SeedMaker = {
    make: (actor) => {
      const bytes = randomBytes(SEED_BYTES);
      return { seed: new OpenSeed(bytes), wrapped: this.seal("seed", actor, 0, "", bytes) };
    },
    open: (actor, wrapped) => {
      const bytes = this.open("seed", actor, 0, "", wrapped);
      if (bytes.length === SEED_BYTES) return new OpenSeed(bytes);
      throw corrupt(`the seed of actor ${actor.key} has another length`, "SEED_LENGTH");
    },
  };
  readonly #active: KeyMaterial;
  readonly #keys: readonly KeyMaterial[];
  readonly #cluster: string;
  readonly #acceptPlain: boolean;
  readonly #salts = Buffer.alloc(SALT_POOL_BYTES);
  #nextSalt = SALT_POOL_BYTES;

  constructor(keyring: Keyring, cluster: string, acceptPlain: boolean) {
    this.keys = keyring.keys.map(({ id, name, state }) => ({ id, name, state }));
    this.#keys = keyring.keys.map(materialOf);
    this.#active = materialOf(keyring.active);
    this.#cluster = cluster;
    this.#acceptPlain = acceptPlain;
    this.activeKeyId = keyring.active.id;
    this.checks = this.#keys
      .filter(({ key }) => key.state !== "retired")
      .map((material) => this.#check(material));
  }

  seal(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
    seed?: Seed,
  ): Uint8Array {
    const material = this.#active;
    const salt = this.#salt();
    const derived = this.#derive(material, purpose, actor, salt, seed);
    const algorithm = seed === undefined ? SEEDLESS : SEEDED;
    const bound = this.#bound(material.key, algorithm, purpose, actor, revision, label);
    return encrypt(material.key, algorithm, salt, derived, bound, plain);
  }

  open(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
    seed?: Seed,
  ): Uint8Array {
    if (isPlain(sealed)) {
      if (this.#acceptPlain && sealed[0] === VERSION_PLAIN) return sealed.subarray(1);
      throw corrupt(`the ${purpose} of actor ${actor.key} is not encrypted`, "PLAINTEXT_ROW");
    }
    const algorithm = algorithmOf(purpose, actor, sealed);
    if (algorithm === SEEDED && seed === undefined) {
      throw corrupt(`the ${purpose} of actor ${actor.key} has lost its seed`, "SEED_MISSING");
    }
    const material = this.#keyOf(sealed, purpose, actor);
    const salt = sealed.subarray(SALT_AT, TEXT_AT);
    const used = algorithm === SEEDED ? seed : undefined;
    const derived = this.#derive(material, purpose, actor, salt, used);
    const bound = this.#bound(material.key, algorithm, purpose, actor, revision, label);
    const plain = decrypt(derived, bound, sealed);
    if (plain !== undefined) return plain;
    throw corrupt(`the ${purpose} of actor ${actor.key} does not open`, "STATE_UNREADABLE");
  }

  #keyOf(sealed: Uint8Array, purpose: SealPurpose, actor: ActorId): KeyMaterial {
    const material = this.#keys.find(({ key }) =>
      key.id.every((byte, at) => byte === sealed[ID_AT + at]),
    );
    if (material === undefined) {
      const message = `the ${purpose} of actor ${actor.key} is under a state key not given`;
      throw corrupt(message, "KEY_UNKNOWN");
    }
    if (material.key.state === "retired") {
      const message = `the ${purpose} of actor ${actor.key} is under the retired state key ${material.key.name}`;
      throw corrupt(message, "KEY_RETIRED");
    }
    return material;
  }

  #derive(
    { key, joined }: KeyMaterial,
    purpose: SealPurpose,
    actor: ActorId,
    salt: Uint8Array,
    seed: Seed | undefined,
  ): Uint8Array {
    const place = `${purpose}\0${this.#cluster}\0${actor.system}\0${actor.type}`;
    const length = KEY_BYTES + NONCE_BYTES;
    if (seed === undefined) {
      return new Uint8Array(hkdfSync("sha256", key.secret, salt, `troupe/v1\0${place}`, length));
    }
    assert(seed instanceof OpenSeed, "a seed goes back to the sealer that opened it");
    seed.writeTo(joined);
    return new Uint8Array(hkdfSync("sha256", joined, salt, `troupe/v2\0${place}`, length));
  }

  /**
   * The additional data: all that says where the bytes lie. Names hold no NUL and the key is
   * preceded by its length, so no two places give the same text.
   */
  #bound(
    key: StateKey,
    algorithm: Algorithm,
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
  ): Uint8Array {
    const { system, type, key: actorKey } = actor;
    const where = `${purpose}\0${this.#cluster}\0${system}\0${type}\0${revision}`;
    const head = `${VERSION}.${algorithm}.${key.name}`;
    return Buffer.from(`${head}\0${where}\0${actorKey.length}\0${actorKey}${label}`);
  }

  #salt(): Uint8Array {
    if (this.#nextSalt === SALT_POOL_BYTES) {
      randomFillSync(this.#salts);
      this.#nextSalt = 0;
    }
    const begin = this.#nextSalt;
    this.#nextSalt += SALT_BYTES;
    return this.#salts.subarray(begin, this.#nextSalt);
  }

  #check(material: KeyMaterial): KeyCheck {
    const { key } = material;
    const bound = this.#bound(key, SEEDLESS, "key_check", CHECK_ACTOR, 0, "");
    const derive = (salt: Uint8Array) =>
      this.#derive(material, "key_check", CHECK_ACTOR, salt, undefined);
    return {
      keyId: key.id,
      seal: () => {
        const salt = this.#salt();
        return encrypt(key, SEEDLESS, salt, derive(salt), bound, CHECK_TEXT);
      },
      opens: (sealed) => {
        if (sealed.length < SHORTEST || sealed[0] !== VERSION) return false;
        const plain = decrypt(derive(sealed.subarray(SALT_AT, TEXT_AT)), bound, sealed);
        return plain !== undefined && Buffer.compare(plain, CHECK_TEXT) === 0;
      },
    };
  }
}

function materialOf(key: StateKey): KeyMaterial {
  const joined = new Uint8Array(KEY_BYTES + SEED_BYTES);
  joined.set(key.secret.export());
  return { key, joined };
}

/** `derived` is key and nonce, for this write alone. */
function encrypt(
  key: StateKey,
  algorithm: Algorithm,
  salt: Uint8Array,
  derived: Uint8Array,
  bound: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const sealed = new Uint8Array(SHORTEST + plain.length);
  sealed[0] = VERSION;
  sealed[1] = algorithm;
  sealed.set(key.id, ID_AT);
  sealed.set(salt, SALT_AT);
  const cipher = createCipheriv(
    "aes-256-gcm",
    derived.subarray(0, KEY_BYTES),
    derived.subarray(KEY_BYTES),
  );
  cipher.setAAD(bound);
  sealed.set(cipher.update(plain), TEXT_AT);
  cipher.final();
  sealed.set(cipher.getAuthTag(), TEXT_AT + plain.length);
  return sealed;
}

/** The plain bytes, or `undefined` if they were not sealed with this key for this place. */
function decrypt(
  derived: Uint8Array,
  bound: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const tagAt = sealed.length - TAG_BYTES;
  // The tag is always cut at its full length, so a shorter one cannot be offered.
  const decipher = createDecipheriv(
    "aes-256-gcm",
    derived.subarray(0, KEY_BYTES),
    derived.subarray(KEY_BYTES),
  );
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(tagAt));
  const plain = decipher.update(sealed.subarray(TEXT_AT, tagAt));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

/** How an envelope was sealed; throws for bytes that are none. */
function algorithmOf(purpose: SealPurpose, actor: ActorId, sealed: Uint8Array): Algorithm {
  if (sealed.length < SHORTEST) {
    throw corrupt(`the ${purpose} of actor ${actor.key} is cut short`, "ENVELOPE_SHORT");
  }
  const [version, algorithm] = sealed;
  if (version !== VERSION) {
    const message = `the ${purpose} of actor ${actor.key} has envelope version ${version}`;
    throw corrupt(message, "ENVELOPE_VERSION");
  }
  if (algorithm === SEEDLESS || algorithm === SEEDED) return algorithm;
  const message = `the ${purpose} of actor ${actor.key} has envelope algorithm ${algorithm}`;
  throw corrupt(message, "ENVELOPE_ALGORITHM");
}

/** Marked as stored in the clear, or beginning as text does and no envelope. */
function isPlain(bytes: Uint8Array): boolean {
  const first = bytes[0];
  if (first === undefined) return false;
  return (
    first === VERSION_PLAIN || first === 0x09 || first === 0x0a || (first >= 0x20 && first < 0x7f)
  );
}

/** For `encryption: off`: marks what it stores as plain, so that it is never taken for sealed. */
export function plainSealer(): Sealer {
  return {
    activeKeyId: new Uint8Array(SALT_AT - ID_AT),
    checks: [],
    seal(_purpose, _actor, _revision, _label, plain) {
      const marked = new Uint8Array(plain.length + 1);
      marked[0] = VERSION_PLAIN;
      marked.set(plain, 1);
      return marked;
    },
    open(purpose, actor, _revision, _label, sealed) {
      if (sealed[0] === VERSION_PLAIN) return sealed.subarray(1);
      if (sealed.length === 0) {
        throw corrupt(`the ${purpose} of actor ${actor.key} is cut short`, "ENVELOPE_SHORT");
      }
      const encrypted = sealed[0] === VERSION;
      const message = `the ${purpose} of actor ${actor.key} ${encrypted ? "is encrypted" : "has an unknown envelope"}`;
      throw corrupt(message, encrypted ? "KEY_UNKNOWN" : "ENVELOPE_VERSION");
    },
  };
}
