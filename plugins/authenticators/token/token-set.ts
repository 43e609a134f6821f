import { createHash, timingSafeEqual } from "node:crypto";
import type { Caller } from "../../../src/contract/index.ts";

/** Most tokens of one file. */
const MAX_TOKENS = 10_000;

/** Shortest token that is taken as given; 32 characters of base64 are 192 bits. */
const MIN_TOKEN_CHARACTERS = 32;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;
const ROLE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const SHA256_HEX = /^[0-9a-fA-F]{64}$/;
const KINDS = ["client", "host", "admin"] as const;

/** A caller with the hash of its token. */
export interface TokenEntry {
  readonly hash: Uint8Array;
  readonly caller: Caller;
}

/** The entries of a file or list, or the first thing that is wrong with it. Names no token. */
export type ReadTokens =
  | { readonly kind: "ok"; readonly entries: readonly TokenEntry[] }
  | { readonly kind: "refused"; readonly reason: string; readonly message: string };

/** Finds callers by token. Only hashes are kept, and they are compared in constant time. */
export class TokenSet {
  /** By the first bytes of the hash, which tell nothing of the token. */
  readonly #byPrefix = new Map<number, TokenEntry[]>();

  constructor(entries: readonly TokenEntry[]) {
    for (const entry of entries) {
      const prefix = prefixOf(entry.hash);
      this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), entry]);
    }
  }

  find(token: string): Caller | undefined {
    const hash = sha256(token);
    let found: Caller | undefined;
    for (const entry of this.#byPrefix.get(prefixOf(hash)) ?? []) {
      if (timingSafeEqual(entry.hash, hash)) found = entry.caller;
    }
    return found;
  }
}

/** Reads lines of `name:sha256hex[:role,role][:kind]`; blank lines and `#` lines are passed over. */
export function readTokenLines(text: string): ReadTokens {
  const entries: TokenEntry[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const entry = readLine(line);
    if (typeof entry === "string") return refused("token_file", `line ${index + 1}: ${entry}`);
    entries.push(entry);
  }
  return checked(entries);
}

/** Reads `name=token` items. */
export function readTokenItems(items: readonly string[]): ReadTokens {
  const entries: TokenEntry[] = [];
  for (const [index, item] of items.entries()) {
    const equals = item.indexOf("=");
    const name = item.slice(0, Math.max(equals, 0)).trim();
    const token = item.slice(equals + 1).trim();
    if (!NAME.test(name)) return refused("token_name", `token ${index + 1} is not name=token`);
    if (token.length < MIN_TOKEN_CHARACTERS) {
      const message = `the token of ${name} has fewer than ${MIN_TOKEN_CHARACTERS} characters`;
      return refused("token_too_short", message);
    }
    entries.push({ hash: sha256(token), caller: callerOf("client", name, []) });
  }
  return checked(entries);
}

function readLine(line: string): TokenEntry | string {
  const [name = "", hash = "", roles = "", kind = "client", ...rest] = line.split(":");
  if (rest.length > 0) return "there are more than four fields";
  if (!NAME.test(name)) return "the name is not made of letters, digits, dots, dashes, @ and _";
  if (!SHA256_HEX.test(hash)) return `the token of ${name} is not a SHA-256 in hexadecimal`;
  const list = roles === "" ? [] : roles.split(",").map((role) => role.trim());
  if (!list.every((role) => ROLE.test(role))) return `a role of ${name} is empty or no name`;
  const known = KINDS.find((each) => each === kind);
  if (known === undefined) return `the kind of ${name} is none of ${KINDS.join(", ")}`;
  return { hash: new Uint8Array(Buffer.from(hash, "hex")), caller: callerOf(known, name, list) };
}

/** A name may have several tokens, as while one replaces another; a token has one name. */
function checked(entries: readonly TokenEntry[]): ReadTokens {
  if (entries.length > MAX_TOKENS) {
    return refused("too_many", `there are more than ${MAX_TOKENS} tokens`);
  }
  const owners = new Map<string, string>();
  for (const { hash, caller } of entries) {
    const text = Buffer.from(hash).toString("hex");
    const other = owners.get(text);
    if (other !== undefined) return refused("duplicate", `${other} and ${caller.id} share a token`);
    owners.set(text, caller.id);
  }
  return { kind: "ok", entries };
}

function callerOf(kind: Caller["kind"], id: string, roles: readonly string[]): Caller {
  return Object.freeze({ kind, id, roles: Object.freeze([...roles]) });
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function prefixOf(hash: Uint8Array): number {
  return ((hash[0] ?? 0) << 16) | ((hash[1] ?? 0) << 8) | (hash[2] ?? 0);
}

function refused(reason: string, message: string): ReadTokens {
  return { kind: "refused", reason, message };
}
