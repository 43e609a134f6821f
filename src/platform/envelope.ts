import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from "node:crypto";
import type { ActorId } from "../domain/actor.ts";
import { ServerError } from "../domain/error.ts";
import type { KeyCheck, Sealer, SealPurpose } from "../node/sealer.ts";
import type { Keyring, StateKey } from "./envelope-keyring.ts";

export { parseKeyring } from "./envelope-keyring.ts";

/*
 * Envelope: version(1)=1 | algorithm(1)=1 | key id(8) | salt(16) | ciphertext | tag(16).
 * HKDF-SHA256 (RFC 5869) makes a key and a nonce for each write from a fresh salt, so that the
 * bounds of AES-256-GCM with random nonces (NIST SP 800-38D) are never near. Version 0 marks bytes
 * that were stored in the clear.
 */
const VERSION = 1;
const VERSION_PLAIN = 0;
const AES_256_GCM = 1;
const ID_AT = 2;
const SALT_AT = 10;
const SALT_BYTES = 16;
const TEXT_AT = SALT_AT + SALT_BYTES;
const TAG_BYTES = 16;
const SHORTEST = TEXT_AT + TAG_BYTES;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
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

class EnvelopeSealer implements Sealer {
  readonly activeKeyId: Uint8Array;
  readonly checks: readonly KeyCheck[];
  readonly #active: StateKey;
  readonly #keys: readonly StateKey[];
  readonly #cluster: string;
  readonly #acceptPlain: boolean;
  readonly #salts = Buffer.alloc(SALT_POOL_BYTES);
  #nextSalt = SALT_POOL_BYTES;

  constructor(keyring: Keyring, cluster: string, acceptPlain: boolean) {
    this.#active = keyring.active;
    this.#keys = keyring.keys;
    this.#cluster = cluster;
    this.#acceptPlain = acceptPlain;
    this.activeKeyId = keyring.active.id;
    this.checks = keyring.keys
      .filter(({ state }) => state !== "retired")
      .map((key) => this.#check(key));
  }

  seal(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
  ): Uint8Array {
    return this.#sealWith(this.#active, purpose, actor, revision, label, plain);
  }

  open(
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
  ): Uint8Array {
    if (isPlain(sealed)) {
      if (this.#acceptPlain && sealed[0] === VERSION_PLAIN) return sealed.subarray(1);
      throw corrupt(`the ${purpose} of actor ${actor.key} is not encrypted`, "PLAINTEXT_ROW");
    }
    if (sealed.length < SHORTEST) {
      throw corrupt(`the ${purpose} of actor ${actor.key} is cut short`, "ENVELOPE_SHORT");
    }
    if (sealed[0] !== VERSION) {
      const message = `the ${purpose} of actor ${actor.key} has envelope version ${sealed[0]}`;
      throw corrupt(message, "ENVELOPE_VERSION");
    }
    if (sealed[1] !== AES_256_GCM) {
      const message = `the ${purpose} of actor ${actor.key} has envelope algorithm ${sealed[1]}`;
      throw corrupt(message, "ENVELOPE_ALGORITHM");
    }
    const key = this.#keyOf(sealed, purpose, actor);
    const plain = this.#openWith(key, purpose, actor, revision, label, sealed);
    if (plain !== undefined) return plain;
    throw corrupt(`the ${purpose} of actor ${actor.key} does not open`, "STATE_UNREADABLE");
  }

  #keyOf(sealed: Uint8Array, purpose: SealPurpose, actor: ActorId): StateKey {
    const key = this.#keys.find(({ id }) => id.every((byte, at) => byte === sealed[ID_AT + at]));
    if (key === undefined) {
      const message = `the ${purpose} of actor ${actor.key} is under a state key not given`;
      throw corrupt(message, "KEY_UNKNOWN");
    }
    if (key.state === "retired") {
      const message = `the ${purpose} of actor ${actor.key} is under the retired state key ${key.name}`;
      throw corrupt(message, "KEY_RETIRED");
    }
    return key;
  }

  #sealWith(
    key: StateKey,
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    plain: Uint8Array,
  ): Uint8Array {
    const sealed = new Uint8Array(SHORTEST + plain.length);
    sealed[0] = VERSION;
    sealed[1] = AES_256_GCM;
    sealed.set(key.id, ID_AT);
    const salt = this.#salt();
    sealed.set(salt, SALT_AT);
    const derived = this.#derive(key, purpose, actor, salt);
    const cipher = createCipheriv(
      "aes-256-gcm",
      derived.subarray(0, KEY_BYTES),
      derived.subarray(KEY_BYTES),
    );
    cipher.setAAD(this.#bound(key, purpose, actor, revision, label));
    sealed.set(cipher.update(plain), TEXT_AT);
    cipher.final();
    sealed.set(cipher.getAuthTag(), TEXT_AT + plain.length);
    return sealed;
  }

  /** The plain bytes, or `undefined` if they were not sealed with this key for this place. */
  #openWith(
    key: StateKey,
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
    sealed: Uint8Array,
  ): Uint8Array | undefined {
    const tagAt = sealed.length - TAG_BYTES;
    const derived = this.#derive(key, purpose, actor, sealed.subarray(SALT_AT, TEXT_AT));
    // The tag is always cut at its full length, so a shorter one cannot be offered.
    const decipher = createDecipheriv(
      "aes-256-gcm",
      derived.subarray(0, KEY_BYTES),
      derived.subarray(KEY_BYTES),
    );
    decipher.setAAD(this.#bound(key, purpose, actor, revision, label));
    decipher.setAuthTag(sealed.subarray(tagAt));
    const plain = decipher.update(sealed.subarray(TEXT_AT, tagAt));
    try {
      decipher.final();
      return plain;
    } catch {
      return undefined;
    }
  }

  #derive(key: StateKey, purpose: SealPurpose, actor: ActorId, salt: Uint8Array): Uint8Array {
    const info = `troupe/v1\0${purpose}\0${this.#cluster}\0${actor.system}\0${actor.type}`;
    return new Uint8Array(hkdfSync("sha256", key.secret, salt, info, KEY_BYTES + NONCE_BYTES));
  }

  /**
   * The additional data: all that says where the bytes lie. Names hold no NUL and the key is
   * preceded by its length, so no two places give the same text.
   */
  #bound(
    key: StateKey,
    purpose: SealPurpose,
    actor: ActorId,
    revision: number,
    label: string,
  ): Uint8Array {
    const { system, type, key: actorKey } = actor;
    const where = `${purpose}\0${this.#cluster}\0${system}\0${type}\0${revision}`;
    const head = `${VERSION}.${AES_256_GCM}.${key.name}`;
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

  #check(key: StateKey): KeyCheck {
    return {
      keyId: key.id,
      seal: () => this.#sealWith(key, "key_check", CHECK_ACTOR, 0, "", CHECK_TEXT),
      opens: (sealed) => {
        if (sealed.length < SHORTEST || sealed[0] !== VERSION) return false;
        const plain = this.#openWith(key, "key_check", CHECK_ACTOR, 0, "", sealed);
        return plain !== undefined && Buffer.compare(plain, CHECK_TEXT) === 0;
      },
    };
  }
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
