import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { postgresBackend } from "../../../test/conformance/support/postgres-backend.ts";

const ROOT = join(import.meta.dir, "..", "..", "..");
const DENO = join(ROOT, "node_modules", "@deno", "linux-x64-glibc", "deno");
const SCRIPT = join(ROOT, "test", "e2e", "clients", "deno-statestore.ts");
const hasDeno = existsSync(DENO);
if (!hasDeno) process.stdout.write("skipped: deno is not installed for this platform\n");
const backend = postgresBackend();

test.skipIf(backend === undefined || !hasDeno)(
  "PostgreSQL is served under Deno",
  async () => {
    const database = `troupe_deno_${process.pid}`;
    await backend?.edit(`CREATE DATABASE ${database}`);
    try {
      const at = new URL(backend?.url ?? "");
      at.pathname = database;
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
        product: expect.stringContaining("PostgreSQL"),
        committed: ["committed"],
        refused: "owned",
        heir: [2, 1, ["r1"]],
        zombie: ["fenced"],
        isWhole: true,
        tags: { node: "é" },
        reply: 100_000,
      });
    } finally {
      await backend?.edit(`DROP DATABASE ${database} WITH (FORCE)`);
    }
  },
  90_000,
);
