import { ServerError } from "../../domain/error.ts";
import type { Settings } from "../../kernel/settings.ts";
import type { Sealer } from "../../node/sealer.ts";
import { makeSealer, plainSealer } from "../../platform/envelope.ts";
import { parseKeyring } from "../../platform/envelope-keyring.ts";
import { developmentKeys } from "./data-dir.ts";

const EMBEDDED: ReadonlySet<string> = new Set(["sqlite", "memory"]);

/**
 * The sealer of this node's states. Without configured keys an embedded store gets a development key
 * that is kept in the data directory; configuration has refused every other case before.
 */
export function openSealer(settings: Settings, dataDir: string): Sealer {
  const { cluster, encryption, statestoreKeys, selections } = settings;
  if (encryption === "off") return plainSealer();
  if (statestoreKeys !== undefined) return makeSealer(parseKeyring(statestoreKeys), cluster);
  const stores = selections.filter((selection) => selection.contract === "statestore@1");
  if (!stores.every(({ plugin }) => EMBEDDED.has(plugin))) {
    throw new ServerError("request.invalid", "statestore_keys is missing", "not_started", {
      reason: "state_key_missing",
    });
  }
  return makeSealer(parseKeyring(developmentKeys(dataDir)), cluster);
}
