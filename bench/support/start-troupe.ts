import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rssBytes } from "./process-figures.ts";

export const ROOT = join(import.meta.dir, "..", "..");
/** What is measured: `TROUPE_BENCH_BINARY` names another one, such as a script that profiles. */
export const BINARY = process.env["TROUPE_BENCH_BINARY"] ?? join(ROOT, "dist", "troupe");
const ACTORS = join(ROOT, "bench", "actors");

/** A server that has not ended by then is killed. */
const END_MS = 5_000;

/** Where the actors of the benchmark run. */
export type Hosting = "in process" | "websocket" | "grpc" | "none";

export interface TroupeOptions {
  readonly hosting: Hosting;
  /** Settings by the names of their environment variables without `TROUPE_`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the store lies; made and removed if it is not given. */
  readonly folder?: string;
}

/** What a child has printed, and who waits for more of it. */
async function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  return await new Promise((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
      const found = pattern.exec(text);
      if (found !== null) resolve(found);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}

/** What the benchmarks change: limits that would stop one client from being all the load. */
const SETTINGS: Readonly<Record<string, string>> = {
  TROUPE_HTTP_ADDR: "127.0.0.1:0",
  TROUPE_ADMIN_ADDR: "127.0.0.1:0",
  TROUPE_LOG_FORMAT: "json",
  TROUPE_SHUTDOWN_DELAY: "0ms",
  TROUPE_LIMITS_PRINCIPAL_RATE: "1000000",
  TROUPE_LIMITS_PRINCIPAL_BURST: "1000000",
  TROUPE_LIMITS_PRINCIPAL_IN_FLIGHT_PERCENT: "100",
  TROUPE_LIMITS_CONNECTIONS_PER_ADDRESS: "2000",
  TROUPE_LIMITS_HOST_CONCURRENT_TURNS: "1000",
  TROUPE_LIMITS_ACTIVE_ACTORS: "1000000",
};

/** A server of the compiled binary on free ports, with the benchmark's actors. */
export class TroupeServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #host: ChildProcess | undefined;
  readonly #folder: string;
  readonly port: number;
  readonly adminPort: number;

  constructor(child: ChildProcess, host: ChildProcess | undefined, folder: string, ports: Ports) {
    this.#child = child;
    this.#host = host;
    this.#folder = folder;
    this.port = ports.client;
    this.adminPort = ports.admin;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The server, and the process of its actors if there is one. */
  get pids(): readonly number[] {
    return this.#host?.pid === undefined ? [this.pid] : [this.pid, this.#host.pid];
  }

  get rssBytes(): number {
    return rssBytes(this.pid);
  }

  /** The sum of all series of a metric, or of those with this label. */
  async metric(name: string, label = ""): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}/metrics`);
    const lines = (await answer.text()).split("\n");
    const values = lines.filter(
      (line) =>
        /^[{ ]/.test(line.slice(name.length)) && line.startsWith(name) && line.includes(label),
    );
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#host?.kill("SIGKILL");
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGTERM");
    const deadline = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(deadline);
    if (this.#folder !== "") rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Ports {
  readonly client: number;
  readonly admin: number;
}

/** Starts the server and attaches the actors. Resolves when calls are taken. */
export async function startTroupe(options: TroupeOptions): Promise<TroupeServer> {
  const { hosting, settings = {}, folder } = options;
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is absent, run: npm run build`);
  const own = folder ?? mkdtempSync(join(tmpdir(), "troupe-bench-"));
  const inProcess = hosting === "in process" ? [join(ACTORS, "bench-counter.ts")] : [];
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    ...SETTINGS,
    TROUPE_DATA_DIR: own,
  };
  for (const [name, value] of Object.entries(settings)) env[`TROUPE_${name}`] = value;
  const child = spawn(BINARY, ["dev", ...inProcess], { env, cwd: own });
  const [, client, admin] = await printed(child, READY);
  const ports = { client: Number(client), admin: Number(admin) };
  const attached = hosting === "websocket" || hosting === "grpc";
  const host = attached ? await startHost(ports.client, hosting) : undefined;
  return new TroupeServer(child, host, folder === undefined ? own : "", ports);
}

const READY = /"url":"http:\/\/127\.0\.0\.1:(\d+)","admin_port":(\d+)/;

async function startHost(port: number, transport: string): Promise<ChildProcess> {
  const main = join(ACTORS, "attached-host.ts");
  const child = spawn(process.execPath, [main, `http://127.0.0.1:${port}`, transport]);
  await printed(child, /attached/);
  return child;
}
