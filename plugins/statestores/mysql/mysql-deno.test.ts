import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { mysqlDatabase, mysqlServers } from "../../../test/support/mysql-databases.ts";

const ROOT = join(import.meta.dir, "..", "..", "..");
const DENO = join(ROOT, "node_modules", "@deno", "linux-x64-glibc", "deno");
const SCRIPT = join(ROOT, "test", "e2e", "clients", "deno-statestore.ts");
const hasDeno = existsSync(DENO);
if (!hasDeno) process.stdout.write("skipped: deno is not installed for this platform\n");

for (const { name, url } of mysqlServers()) {
  test.skipIf(url === undefined || !hasDeno)(
    `${name} is served under Deno, through its own driver`,
    async () => {
      await using database = await mysqlDatabase(url ?? "");
      const at = new URL(url ?? "");
      at.pathname = database.name;
      const plugin = join(import.meta.dir, "plugin.ts");
      const parameters = ["run", "-A", "--no-lock", "--node-modules-dir=manual", SCRIPT];
      const ran = spawnSync(DENO, [...parameters, plugin, at.href], {
        cwd: ROOT,
        encoding: "utf8",
        timeout: 60_000,
        env: { PATH: process.env["PATH"], HOME: process.env["HOME"], DENO_NO_UPDATE_CHECK: "1" },
      });
      expect(ran.stderr).not.toContain("error");
      expect(JSON.parse(ran.stdout)).toEqual({
        runtime: "deno",
        product: expect.stringContaining(name),
        committed: ["committed"],
        refused: "owned",
        heir: [2, 1, ["r1"]],
        zombie: ["fenced"],
        isWhole: true,
        tags: { node: "é" },
        reply: 100_000,
      });
    },
    90_000,
  );
}
