import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../support/wait-until.ts";

/** The root of the source tree. */
export const ROOT = join(import.meta.dir, "..", "..", "..");
/** The compiled binary under test; it is built by `npm run build`. */
export const BINARY = process.env["TROUPE_TEST_BINARY"] ?? join(ROOT, "dist", "troupe");
/** The actors that most of these tests run. */
export const ACTORS = join(ROOT, "test", "e2e", "fixtures", "actors.ts");

const START_MS = 20_000;
const END_MS = 60_000;

/** How the binary is run. Its environment is `env` alone, with a path and a home. */
export interface RunOptions {
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** How a run ended; `code` is null after a signal. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One line that the binary ends with when it cannot go on. */
export interface FatalLine {
  readonly event: string;
  readonly exit: number;
  readonly key: string;
  readonly reason: string;
  readonly hint?: string;
  readonly message?: string;
}

/** A process of the binary from its start to its end; killed at the end of the scope. */
export class TroupeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";

  constructor({ cwd, args, env, stdin }: RunOptions) {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is absent, run: npm run build`);
    this.#child = spawn(BINARY, args, {
      cwd,
      env: { PATH: process.env["PATH"], HOME: cwd, ...env },
      stdio: "pipe",
    });
    this.#child.stdin?.on("error", () => undefined);
    if (stdin !== undefined) this.#child.stdin?.end(stdin);
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code) =>
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr }),
      );
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Lines of the log so far with this event. */
  logged(event: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#stderr
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter((line) => line["event"] === event);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when the process has ended and all its output was read. */
  async ended(deadlineMs = END_MS): Promise<Ended> {
    let done: Ended | undefined;
    void this.#ended.then((ended) => (done = ended));
    return waitUntil("the process ends", () => done, deadlineMs);
  }

  /** Ends it with no chance to say anything, and waits until the kernel is done with it. */
  async kill9(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) await this.kill9();
  }
}

/** A process of the binary that takes calls. */
export class TroupeServer extends TroupeProcess {
  #url = "";
  #adminUrl = "";

  get url(): string {
    return this.#url;
  }

  get adminUrl(): string {
    return this.#adminUrl;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  /** Resolves when the log says that calls are taken; rejects with what it said instead. */
  async ready(): Promise<this> {
    const line = await waitUntil(
      "the server is ready",
      () => {
        if (!this.running) throw new Error(`the server ended: ${this.stderr}${this.stdout}`);
        return this.logged("node.ready")[0];
      },
      START_MS,
    );
    this.#url = String(line["url"]);
    this.#adminUrl = `${this.#url.split(":")[0]}://127.0.0.1:${String(line["admin_port"])}`;
    return this;
  }
}

/** Ports of its own; flags override them. */
const FREE_PORTS = {
  TROUPE_HTTP_ADDR: "127.0.0.1:0",
  TROUPE_ADMIN_ADDR: "127.0.0.1:0",
  TROUPE_PEER_ADDR: "127.0.0.1:0",
};
/** One client is all the load there is, so its share must not end first. */
const NO_QUOTA = {
  TROUPE_LIMITS_PRINCIPAL_RATE: "1000000",
  TROUPE_LIMITS_PRINCIPAL_BURST: "1000000",
  TROUPE_LIMITS_PRINCIPAL_IN_FLIGHT_PERCENT: "100",
};

/** `troupe dev` with these modules on ports of its own, once it is ready. */
export function startDev(
  cwd: string,
  files: readonly string[] = [ACTORS],
  { args = [], env = {} }: Partial<RunOptions> = {},
): Promise<TroupeServer> {
  const all = ["dev", ...files, ...args];
  return new TroupeServer({ cwd, args: all, env: { ...FREE_PORTS, ...NO_QUOTA, ...env } }).ready();
}

/** `troupe serve` on ports of its own, once it is ready. */
export function startServe(
  cwd: string,
  { args = [], env = {} }: Partial<RunOptions> = {},
): Promise<TroupeServer> {
  const all = ["serve", ...args];
  return new TroupeServer({ cwd, args: all, env: { ...FREE_PORTS, ...NO_QUOTA, ...env } }).ready();
}

/** Runs the binary to its end; ports are free ones unless `args` or `env` say otherwise. */
export async function runToEnd(options: RunOptions): Promise<Ended> {
  await using child = new TroupeProcess({ ...options, env: { ...FREE_PORTS, ...options.env } });
  return await child.ended();
}

/** What the last line on standard error says, for a start that was refused. */
export function fatalOf({ stderr, code }: Ended): FatalLine {
  const lines = stderr.trimEnd().split("\n");
  const last = lines.at(-1) ?? "";
  if (!last.startsWith("{")) throw new Error(`exit ${String(code)} and no line of JSON: ${stderr}`);
  return JSON.parse(last) as FatalLine;
}
