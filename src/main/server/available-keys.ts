import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "../../kernel/settings.ts";
import type { Sealer } from "../../node/sealer.ts";
import { openSealer } from "./keys.ts";

/** As `openSealer`, but makes no key: `undefined` where a first start would make one. */
export function availableSealer(settings: Settings): Sealer | undefined {
  const { encryption, statestoreKeys, dataDir } = settings;
  const given = encryption === "off" || statestoreKeys !== undefined;
  if (!given && !existsSync(join(dataDir, "development.key"))) return undefined;
  return openSealer(settings, dataDir);
}
