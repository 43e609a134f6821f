import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/free-port.ts";

const VERSION = "1.7.12";
const SDK_VERSION = "1.17.2";
const READY_MS = 60_000;
const RETRY_MS = 200;
const ATTEMPT_MS = 5_000;

/** The increment of `bench-counter.ts`, as a virtual object. */
const SERVICE = `
import * as restate from "@restatedev/restate-sdk";
const bench = restate.object({
  name: "bench",
  handlers: {
    add: async (ctx, amount) => {
      const state = (await ctx.get("state")) ?? { count: 0, padding: "x".repeat(1000) };
      state.count += amount;
      ctx.set("state", state);
      return state.count;
    },
  },
});
await restate.serve({ services: [bench], port: Number(process.argv[2]) });
`;

/** Installs the server and its SDK into a folder of their own; kept for the next run. */
export function installRestate(): string {
  const folder = join(tmpdir(), `troupe-bench-restate-${VERSION}-${SDK_VERSION}`);
  const binary = join(folder, "node_modules", ".bin", "restate-server");
  if (existsSync(binary)) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const packages = [
    `@restatedev/restate-server@${VERSION}`,
    `@restatedev/restate-sdk@${SDK_VERSION}`,
  ];
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts"];
  execFileSync("npm", ["install", ...flags, ...packages], { cwd: folder, stdio: "ignore" });
  return folder;
}

/** One Restate server with the service process that it calls. */
export class RestateServer implements AsyncDisposable {
  readonly #server: ChildProcess;
  readonly #service: ChildProcess;
  readonly #data: string;
  readonly port: number;

  constructor(server: ChildProcess, service: ChildProcess, data: string, port: number) {
    this.#server = server;
    this.#service = service;
    this.#data = data;
    this.port = port;
  }

  get pids(): readonly number[] {
    return [this.#server.pid ?? 0, this.#service.pid ?? 0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#server.once("close", resolve));
    this.#service.kill("SIGKILL");
    this.#server.kill("SIGKILL");
    await ended;
    rmSync(this.#data, { recursive: true, force: true });
  }
}

const soon = (): AbortSignal => AbortSignal.timeout(ATTEMPT_MS);

async function until(what: string, attempt: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await attempt().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what} takes too long`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Starts a server with these settings (environment variables) and registers the service with it. */
export async function startRestate(
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<RestateServer> {
  const [port, admin, node, serving] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  writeFileSync(join(folder, "service.mjs"), SERVICE);
  const service = spawn(process.execPath, ["service.mjs", String(serving)], {
    cwd: folder,
    stdio: "ignore",
  });
  const data = mkdtempSync(join(folder, "data-"));
  const platform = `${process.platform}-${process.arch}`;
  const binary = join(
    folder,
    `node_modules/@restatedev/restate-server-${platform}/bin/restate-server`,
  );
  const env = {
    PATH: process.env["PATH"] ?? "",
    RESTATE_BASE_DIR: data,
    RESTATE_NODE_NAME: "bench",
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "error",
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${port}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    ...settings,
  };
  const server = spawn(binary, ["--no-logo"], { cwd: data, env, stdio: "ignore" });
  const body = JSON.stringify({ uri: `http://127.0.0.1:${serving}`, force: true });
  const headers = { "content-type": "application/json" };
  await until("Restate", async () => {
    const url = `http://127.0.0.1:${admin}/deployments`;
    return (await fetch(url, { method: "POST", headers, body, signal: soon() })).ok;
  });
  await until("its first call", async () => {
    const url = `http://127.0.0.1:${port}/bench/first/add`;
    return (await fetch(url, { method: "POST", headers, body: "1", signal: soon() })).ok;
  });
  return new RestateServer(server, service, data, port);
}
