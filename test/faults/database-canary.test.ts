import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { callJson } from "../e2e/support/json-calls.ts";
import { runTool } from "../e2e/support/tools.ts";
import { startDev } from "../e2e/support/troupe-process.ts";
import { PrivateServer } from "../services/private-server.ts";
import { tempDir } from "../support/temp-dir.ts";
import { DATABASES, databaseKind, takesQueries } from "./databases.ts";

/** In states only. */
const CANARY = "canary-7d1f2c55e0b94a";
/** In a key, which is in the clear: proves that the search finds what is there. */
const MARKER = "marker-7d1f2c55e0b94a";
const WRITES = 50;

/** Files below `folder` that hold `text`. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .filter((path) => readFileSync(path).includes(text));
}

describe("what lies in a database server is sealed", () => {
  for (const database of DATABASES) {
    const { kind, absent } = databaseKind(database.name);
    test.skipIf(absent)(`${database.name}: no state in its files, its log or a dump`, async () => {
      using folder = tempDir();
      await using server = await PrivateServer.start(kind, takesQueries);
      const env = database.settings(server.url);
      await using node = await startDev(folder.path, undefined, {
        env: { ...env, TROUPE_LOG_LEVEL: "debug" },
      });
      for (let i = 0; i < WRITES; i += 1) {
        const headers = { "idempotency-key": `id-${i}` };
        const { status } = await callJson(
          node.url,
          `ledger/${MARKER}/append`,
          `${CANARY}-${i}`,
          headers,
        );
        expect(status).toBe(200);
      }
      const dump = await runTool(database.dump(server.url));
      expect(dump.code).toBe(0);
      expect(dump.stdout).toContain(database.inDump(MARKER));
      for (const hidden of [CANARY, database.inDump(CANARY)]) {
        expect(dump.stdout).not.toContain(hidden);
      }
      node.signal("SIGTERM");
      const { stdout, stderr } = await node.ended();
      expect(stdout + stderr).not.toContain(CANARY);
      // Data files, write-ahead log and the server's own log, and the node's directory.
      expect(filesWith(server.folder, MARKER).length).toBeGreaterThan(0);
      expect(filesWith(server.folder, CANARY)).toEqual([]);
      expect(filesWith(folder.path, CANARY)).toEqual([]);
    });
  }
});
