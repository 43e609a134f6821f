import type { MetaTable } from "../../contract/index.ts";
import type { KeyCheck } from "../../node/sealer.ts";
import { CommandError } from "../cli/command-error.ts";
import { EXIT } from "../cli/exit-code.ts";
import type { FileRow } from "./row-record.ts";

const KEY_CHECK = "key-check/";

/**
 * Refuses rows that were sealed with another key than the store's under the same id: what came of
 * them could not be opened. Each store seals its own proof, so two proofs are compared by the key.
 */
export async function refuseOtherKeys(
  rows: readonly FileRow[],
  meta: MetaTable,
  checks: readonly KeyCheck[],
): Promise<void> {
  for (const row of rows) {
    if (row.kind !== "meta" || !row.name.startsWith(KEY_CHECK)) continue;
    const kept = await meta.get(row.name);
    if (kept === undefined || Buffer.compare(kept, row.value) === 0) continue;
    const keyId = row.name.slice(KEY_CHECK.length);
    const check = checks.find((each) => each.keyId.toHex() === keyId);
    const name = Buffer.from(keyId, "hex").toString("latin1").replaceAll("\0", "");
    if (check === undefined) {
      const message = `store and file each have a state key ${name}, and without it nobody can tell whether it is the same`;
      throw new CommandError(message, EXIT.config, "give it by TROUPE_STATESTORE_KEYS_FILE");
    }
    if (check.opens(row.value)) continue;
    const message = `the file is sealed with another state key than the store, under the same id ${name}`;
    throw new CommandError(message, EXIT.damaged, "move it into a new store, with its own key");
  }
}
