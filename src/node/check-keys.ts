import type { MetaTable, Statestore } from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";
import { type KeyRows, keyRows, nameOf } from "./key-status.ts";
import type { Logger } from "./ports.ts";
import type { Sealer } from "./sealer.ts";

const ENCRYPTED = "encryption";
/** The ids of all keys that rows may lie under, one after the other. */
const KEYS_IN_USE = "state-keys";
const KEY_ID_BYTES = 8;
/** Damaged rows may name any number of keys. */
const MOST_MISSING = 16;
const EXIT_DATA = 65;
const EXIT_CONFIGURATION = 78;
const HINT = "give it as a key that decrypts until troupe keys status shows no rows under it";

/**
 * Compares the keys with the store, once at start and before anything is served. Keeps a sealed
 * constant per key; rejects with reason `wrong_key` if one that is there does not open, with
 * `state_key_missing` if the store is encrypted and no key is given, and with `key_in_use` if a key
 * is retired while rows lie under it. A key that is not given at all while rows lie under it may be
 * lost for good, and the other actors are well: that is an error in the log of every start. Nothing
 * but key checks is changed by a rejection.
 */
export async function checkKeys(
  store: Pick<Statestore, "meta" | "resealing">,
  sealer: Sealer,
  log: Logger,
): Promise<void> {
  const { meta } = store;
  const checks = sealer.checks ?? [];
  if (checks.length === 0) {
    if ((await meta.get(ENCRYPTED)) === undefined) return;
    const message = "the statestore is encrypted and no state key is given";
    throw refusal(message, "state_key_missing", EXIT_CONFIGURATION);
  }
  for (const check of checks) {
    const id = check.keyId.toHex();
    const name = `key-check/${id}`;
    const kept = (await meta.get(name)) ?? (await meta.putIfAbsent(name, check.seal()));
    if (check.opens(kept)) continue;
    const message = `state key ${nameOf(id)} is not the one the statestore was written with`;
    throw refusal(message, "wrong_key", EXIT_DATA);
  }
  await meta.putIfAbsent(ENCRYPTED, Uint8Array.of(1));
  await checkKeysInUse(store, sealer, log);
}

/**
 * What of the key checks is gone that `checkKeys` has put into the store or found there; `undefined` if
 * all is as it was, or nothing is encrypted. A store that lost it is not the one of the start.
 */
export async function missingKeyCheck(
  meta: MetaTable,
  sealer: Sealer,
): Promise<string | undefined> {
  if ((sealer.checks ?? []).length === 0) return undefined;
  return (await meta.get(ENCRYPTED)) === undefined ? "the check of the state keys" : undefined;
}

async function checkKeysInUse(
  store: Pick<Statestore, "meta" | "resealing">,
  sealer: Sealer,
  log: Logger,
): Promise<void> {
  const { meta, resealing } = store;
  if (resealing === undefined) return;
  const usable = (sealer.keys ?? []).filter(({ state }) => state !== "retired");
  const now = new Set(usable.map(({ id }) => id.toHex()));
  const before = idsOf(await meta.get(KEYS_IN_USE));
  // To count means to look at every row, so it is done when a key is let go, and the first time.
  if (before === undefined || [...before].some((id) => !now.has(id))) {
    let keys: readonly KeyRows[];
    try {
      keys = await keyRows([store], sealer);
    } catch (error) {
      // Rows under a key that is not usable are refused one by one; nothing is taken for absent.
      return log.warn("keys.not_counted", { error });
    }
    for (const key of keys) if (key.state === "retired") refuseInUse(key);
    const missing = keys.filter(({ id, state }) => state === "missing" && id !== "");
    for (const { id, name, rows } of missing.slice(0, MOST_MISSING)) {
      log.error("keys.missing", { key: name, rows, hint: HINT });
      now.add(id);
    }
  } else if (before.size === now.size) return;
  await meta.put(KEYS_IN_USE, Uint8Array.fromHex([...now].join("")));
}

function refuseInUse({ name, rows = 0 }: KeyRows): void {
  if (rows === 0) return;
  const message = `${rows} rows are still under state key ${name}, which is retired`;
  throw refusal(message, "key_in_use", EXIT_CONFIGURATION, HINT);
}

function idsOf(kept: Uint8Array | undefined): ReadonlySet<string> | undefined {
  if (kept === undefined || kept.length === 0 || kept.length % KEY_ID_BYTES !== 0) return undefined;
  const ids = new Set<string>();
  for (let at = 0; at < kept.length; at += KEY_ID_BYTES) {
    ids.add(kept.subarray(at, at + KEY_ID_BYTES).toHex());
  }
  return ids;
}

function refusal(message: string, reason: string, exitCode: number, hint?: string): ServerError {
  return new ServerError("state.corrupt", message, "not_applied", {
    reason,
    exitCode,
    ...(hint !== undefined && { hint }),
  });
}
