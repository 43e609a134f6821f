import { createHash } from "node:crypto";
import { join } from "node:path";
import type { PortableRow } from "../../src/contract/index.ts";
import { DATABASES, databaseKind, takesQueries } from "../../test/faults/databases.ts";
import { BINARY } from "../../test/e2e/support/troupe-process.ts";
import { runTool } from "../../test/e2e/support/tools.ts";
import { PrivateServer } from "../../test/services/private-server.ts";
import { manyRows } from "../../test/support/many-rows.ts";
import { onSqlite } from "../../test/support/sealed-store.ts";
import { tempDir } from "../../test/support/temp-dir.ts";

/*
 * Moves a whole store with the compiled binary: SQLite → PostgreSQL → MariaDB → SQLite, through files,
 * and compares what arrives with what left.
 *
 *   bun bench/statestores/move.ts [--actors 100000]
 */

const MOVE_MS = 1_800_000;
const PAGE = 2_000;
const at = process.argv.indexOf("--actors");
const actors = at < 0 ? 100_000 : Number(process.argv[at + 1]);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** One fingerprint of all rows of an embedded store but the note of an import. */
async function fingerprint(dir: string): Promise<{ readonly rows: number; readonly sum: string }> {
  // Each store has an order of its own, so rows are compared as a set.
  const sums: string[] = [];
  await onSqlite(dir, async ({ portability }) => {
    for (let position: string | undefined = ""; position !== undefined; ) {
      const page: { readonly rows: readonly PortableRow[]; readonly next: string | undefined } =
        await portability.read(position, PAGE);
      for (const row of page.rows) {
        if (row.kind === "meta" && row.name === "import") continue;
        const text = JSON.stringify(row, (_key, value: unknown) => plain(value));
        sums.push(createHash("sha256").update(text).digest("base64"));
      }
      position = page.next;
    }
  });
  const sum = createHash("sha256").update(sums.sort().join("")).digest("hex");
  return { rows: sums.length, sum };
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

async function troupe(parameters: readonly string[], env: Readonly<Record<string, string>>) {
  const begun = performance.now();
  const command = [BINARY, ...parameters, "--cluster", "test", "--quiet"];
  const ended = await runTool(command, { env, timeoutMs: MOVE_MS });
  if (ended.code !== 0) throw new Error(`${command.join(" ")}: ${ended.stderr}${ended.stdout}`);
  return (performance.now() - begun) / 1000;
}

using folder = tempDir();
const [first, last] = [join(folder.path, "first"), join(folder.path, "last")];
await onSqlite(first, async ({ portability }) => {
  let page: PortableRow[] = [];
  for (const row of manyRows(actors)) {
    page.push(row);
    if (page.length < PAGE) continue;
    await portability.write(page);
    page = [];
  }
  await portability.write(page);
});
const before = await fingerprint(first);
print(`${actors} actors, ${before.rows} rows`);
const stops: { readonly name: string; readonly env: Readonly<Record<string, string>> }[] = [
  { name: "SQLite", env: { TROUPE_DATA_DIR: first } },
];
await using servers = new AsyncDisposableStack();
for (const database of DATABASES) {
  const server = servers.use(
    await PrivateServer.start(databaseKind(database.name).kind, takesQueries),
  );
  stops.push({ name: database.name, env: database.settings(server.url) });
}
stops.push({ name: "SQLite", env: { TROUPE_DATA_DIR: last } });
for (let i = 0; i + 1 < stops.length; i += 1) {
  const [from, to] = [stops[i]!, stops[i + 1]!];
  const file = join(folder.path, `stop-${i}`);
  const left = await troupe(["export", "--to", file], from.env);
  const came = await troupe(["import", "--from", file], to.env);
  const rate = (seconds: number): string => `${Math.round(before.rows / seconds)} rows/s`;
  print(`${from.name} → ${to.name}: export ${rate(left)}, import ${rate(came)}`);
}
const after = await fingerprint(last);
const same = after.rows === before.rows && after.sum === before.sum;
print(
  same ? `equal, byte for byte: ${after.sum}` : `DIFFERENT: ${before.rows}, ${after.rows} rows`,
);
process.exitCode = same ? 0 : 1;
