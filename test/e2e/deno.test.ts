import { expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import { waitUntil } from "../support/wait-until.ts";

/*
 * The same source on another runtime: nothing in `src` outside the platform's drivers may need Bun.
 * Deno comes from npm; its own executable is run, since install scripts may not have been.
 */
const ROOT = join(import.meta.dir, "..", "..");
const DENO = join(ROOT, "node_modules", "@deno", "linux-x64-glibc", "deno");
const present = existsSync(DENO);
if (!present) console.log("skipped: deno is not installed for this platform");

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
}

async function serve(dataDir: string): Promise<Served> {
  const child = spawn(
    DENO,
    [
      "run",
      "-A",
      "--no-lock",
      "--node-modules-dir=manual",
      join(ROOT, "src", "main", "main.ts"),
      "dev",
      join(ROOT, "examples", "counter.ts"),
      "--json",
      "--data-dir",
      dataDir,
      "--http-addr",
      "127.0.0.1:0",
      "--admin-addr",
      "127.0.0.1:0",
    ],
    { cwd: dataDir, env: { PATH: process.env["PATH"], HOME: dataDir, DENO_NO_UPDATE_CHECK: "1" } },
  );
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const url = await waitUntil(
    "the server is ready",
    () => {
      if (child.exitCode !== null) throw new Error(`deno ended: ${stderr}`);
      return /"url":"(http:[^"]+)"/.exec(stdout)?.[1];
    },
    60_000,
  );
  return { child, url };
}

async function add(url: string, n: number): Promise<unknown> {
  const answer = await fetch(`${url}/v1/counter/bar/add`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: String(n),
  });
  expect(answer.status).toBe(200);
  return await answer.json();
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await waitUntil("deno ends", () => child.exitCode !== null || child.signalCode !== null, 30_000);
}

test.if(present)(
  "the counter is served under Deno, and its count survives kill -9",
  async () => {
    using dir = tempDir();
    const first = await serve(dir.path);
    try {
      expect(await add(first.url, 1)).toBe(1);
      expect(await add(first.url, 1)).toBe(2);
    } finally {
      await end(first.child, "SIGKILL");
    }
    const second = await serve(dir.path);
    try {
      expect(await add(second.url, 1)).toBe(3);
    } finally {
      await end(second.child, "SIGTERM");
    }
    expect(second.child.exitCode).toBe(0);
  },
  150_000,
);
