import type { MetaTable } from "../contract/index.ts";
import { ServerError } from "../domain/error.ts";
import type { Sealer } from "./sealer.ts";

const ENCRYPTED = "encryption";
const EXIT_DATA = 65;
const EXIT_CONFIGURATION = 78;

/**
 * Compares the keys with the store, once at start and before anything is served. Keeps a sealed
 * constant per key; rejects with reason `wrong_key` if one that is there does not open, and with
 * `state_key_missing` if the store is encrypted and no key is given. Nothing is changed then.
 */
export async function checkKeys(meta: MetaTable, sealer: Sealer): Promise<void> {
  const checks = sealer.checks ?? [];
  if (checks.length === 0) {
    if ((await meta.get(ENCRYPTED)) === undefined) return;
    const message = "the statestore is encrypted and no state key is given";
    throw refusal(message, "state_key_missing", EXIT_CONFIGURATION);
  }
  for (const check of checks) {
    const name = `key-check/${check.keyId.toHex()}`;
    const kept = (await meta.get(name)) ?? (await meta.putIfAbsent(name, check.seal()));
    if (check.opens(kept)) continue;
    const message = `state key ${keyName(check.keyId)} is not the one the statestore was written with`;
    throw refusal(message, "wrong_key", EXIT_DATA);
  }
  await meta.putIfAbsent(ENCRYPTED, Uint8Array.of(1));
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

function refusal(message: string, reason: string, exitCode: number): ServerError {
  return new ServerError("state.corrupt", message, "not_applied", { reason, exitCode });
}

/** The key id as it was configured: up to eight ASCII characters, filled with zeros. */
function keyName(keyId: Uint8Array): string {
  return String.fromCharCode(...keyId.filter((byte) => byte !== 0));
}
