import type { ActorId } from "../../domain/actor.ts";
import {
  isName,
  KEY_LIMIT_BYTES,
  NAME_LIMIT_BYTES,
  REQUEST_ID_LIMIT_BYTES,
} from "../../domain/actor.ts";
import type { Refusal } from "./refusal.ts";
import { refuse } from "./refusal.ts";
import { utf8Length } from "./utf8-length.ts";

/** The system of an actor id that names none. */
export const DEFAULT_SYSTEM = "default";

const PLAIN_KEY = /^[\x20-\x7e]+$/;
// Controls, soft hyphen, zero-width and bidirectional marks, byte-order mark, line separators,
// non-characters: all of them make two different keys look alike to people.
const HIDDEN =
  /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/u;

/** Why `name` may not name a system, type, action or channel; undefined if it may. */
export function nameProblem(name: string): Refusal | undefined {
  if (name === "") return "ID_EMPTY";
  if (name.length > NAME_LIMIT_BYTES) return "ID_TOO_LONG";
  return isName(name) ? undefined : "ID_CHARSET";
}

/** Why `key` may not be the key of an actor; undefined if it may. */
export function keyProblem(key: string): Refusal | undefined {
  if (key === "") return "ID_EMPTY";
  if (key.length > KEY_LIMIT_BYTES) return "ID_TOO_LONG";
  if (PLAIN_KEY.test(key)) return undefined;
  if (!key.isWellFormed() || HIDDEN.test(key) || key.normalize("NFC") !== key) return "ID_CHARSET";
  return utf8Length(key) > KEY_LIMIT_BYTES ? "ID_TOO_LONG" : undefined;
}

/** Throws `ServerError` (`request.invalid`) unless `name` may name a system, type or action. */
export function checkName(name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined) throw refuse(problem);
}

/** The actor id, with the default system in place of none. Throws `ServerError` if a part is refused. */
export function checkedActorId(system: string, type: string, key: string): ActorId {
  const named = system === "" ? DEFAULT_SYSTEM : system;
  const problem = nameProblem(named) ?? nameProblem(type) ?? keyProblem(key);
  if (problem !== undefined) throw refuse(problem);
  return { system: named, type, key };
}

/** Throws `ServerError` unless `id` may be an idempotency key; "" is none. */
export function checkRequestId(id: string): void {
  if (id === "") return;
  if (id.length > REQUEST_ID_LIMIT_BYTES || utf8Length(id) > REQUEST_ID_LIMIT_BYTES) {
    throw refuse("REQUEST_ID_TOO_LONG");
  }
  if (!PLAIN_KEY.test(id) && (!id.isWellFormed() || HIDDEN.test(id))) {
    throw refuse("REQUEST_ID_CHARSET");
  }
}
