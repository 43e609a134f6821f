import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import type { BenchSettings } from "../support/bench-settings.ts";
import { rssBytes } from "../support/process-figures.ts";
import { median, type Report } from "../support/report.ts";
import { BINARY } from "../support/start-troupe.ts";

const STARTS = 9;
const GIVE_UP_MS = 10_000;

/** True if `/readyz` answers 200 now. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    });
    socket.once("data", (bytes: Buffer) => {
      resolve(bytes.toString("latin1").startsWith("HTTP/1.1 200"));
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(false));
  });
}

interface Start {
  readonly ms: number;
  readonly rssBytes: number;
}

async function startOnce(folder: string, settings: Record<string, string>): Promise<Start> {
  const port = await freePort();
  const env = {
    PATH: process.env["PATH"] ?? "",
    TROUPE_DATA_DIR: folder,
    TROUPE_HTTP_ADDR: `127.0.0.1:${port}`,
    TROUPE_ADMIN_ADDR: "127.0.0.1:0",
    TROUPE_LOG_FORMAT: "json",
    ...settings,
  };
  const begun = performance.now();
  const child = spawn(BINARY, ["serve"], { env, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  while (!(await isReady(port))) {
    if (performance.now() - begun > GIVE_UP_MS) throw new Error("the server does not get ready");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const start = { ms: performance.now() - begun, rssBytes: rssBytes(child.pid ?? 0) };
  child.kill("SIGKILL");
  await ended;
  return start;
}

/** From the start of the process to the first 200 of `/readyz`. */
export async function startUp(_settings: BenchSettings): Promise<Report> {
  const actors = { TROUPE_ACTORS: join(import.meta.dir, "..", "actors", "bench-counter.ts") };
  const fresh: Start[] = [];
  const again: Start[] = [];
  const hosting: Start[] = [];
  for (let round = 0; round < STARTS; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), "troupe-bench-"));
    fresh.push(await startOnce(folder, {}));
    again.push(await startOnce(folder, {}));
    hosting.push(await startOnce(folder, actors));
    rmSync(folder, { recursive: true });
  }
  const row = (name: string, starts: readonly Start[]) => ({
    name,
    figures: {
      ms: median(starts.map(({ ms }) => ms)),
      "best ms": Math.min(...starts.map(({ ms }) => ms)),
      "RSS MiB": median(starts.map((one) => one.rssBytes)) / 2 ** 20,
    },
  });
  return {
    workload: "start-up",
    settings: `Start of the process to the first 200 of \`/readyz\`, ${STARTS} starts, SQLite, no host.`,
    rows: [
      row("empty data directory", fresh),
      row("known data directory", again),
      row("with actors in process", hosting),
    ],
  };
}
