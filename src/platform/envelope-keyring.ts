import { createSecretKey, type KeyObject } from "node:crypto";
import { ServerError } from "../domain/error.ts";
import type { KeyFact } from "../node/sealer.ts";

/** One key that seals state. Its id is the name's bytes, filled with zeros to eight. */
export interface StateKey extends KeyFact {
  readonly secret: KeyObject;
}

/** All configured keys; exactly one is active. */
export interface Keyring {
  readonly active: StateKey;
  readonly keys: readonly StateKey[];
}

const KEY_BYTES = 32;
const ID_BYTES = 8;
/** Name of a key that is given without one: what a single key is in Spawn's configuration. */
const UNNAMED = "spawn";
const NAME_PATTERN = /^[A-Za-z0-9._-]{1,8}$/;
const BASE64_PATTERN = /^[A-Za-z0-9+/]+={0,2}$/;
const EXIT_CONFIGURATION = 78;

function refusal(message: string, reason: string): ServerError {
  const exitCode = EXIT_CONFIGURATION;
  return new ServerError("request.invalid", message, "not_started", { reason, exitCode });
}

/**
 * Reads `name:base64[:state],…`: the first key is active, others decrypt unless they say `retired`.
 * Throws `ServerError` whose reason is `state_key_missing`, `state_key_length`, `state_key_encoding`,
 * `state_key_state`, `key_id_invalid` or `key_id_conflict`; no message holds any part of a key.
 */
export function parseKeyring(text: string): Keyring {
  const keys = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map(parseKey);
  const names = new Set<string>();
  for (const { name } of keys) {
    if (names.has(name)) throw refusal(`state key ${name} is given twice`, "key_id_conflict");
    names.add(name);
  }
  const [active, ...others] = keys;
  if (active === undefined) throw refusal("no state key is given", "state_key_missing");
  if (active.state !== "active" || others.some(({ state }) => state === "active")) {
    throw refusal("the first state key, and no other, must be active", "state_key_state");
  }
  return { active, keys };
}

function parseKey(item: string, index: number): StateKey {
  const parts = item.split(":");
  const [name = "", encoded = "", state = index === 0 ? "active" : "decrypt", ...rest] =
    parts.length === 1 ? [UNNAMED, item] : parts;
  if (!NAME_PATTERN.test(name)) {
    const message = `state key ${index + 1} needs a name of 1 to 8 letters, digits, dots, dashes`;
    throw refusal(message, "key_id_invalid");
  }
  if ((state !== "active" && state !== "decrypt" && state !== "retired") || rest.length > 0) {
    const message = `state key ${name} is neither active, decrypt nor retired`;
    throw refusal(message, "state_key_state");
  }
  if (encoded === "") throw refusal(`state key ${name} is empty`, "state_key_missing");
  if (!BASE64_PATTERN.test(encoded)) {
    throw refusal(`state key ${name} is not base64`, "state_key_encoding");
  }
  const secret = Buffer.from(encoded, "base64");
  if (secret.length !== KEY_BYTES) {
    const message = `state key ${name} has ${secret.length} bytes, not ${KEY_BYTES}`;
    throw refusal(message, "state_key_length");
  }
  const id = new Uint8Array(ID_BYTES);
  id.set(Buffer.from(name, "ascii"));
  return { name, id, secret: createSecretKey(secret), state };
}
