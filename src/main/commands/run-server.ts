import { resolve } from "node:path";
import process from "node:process";
import type { Logger } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { printFatal } from "../../platform/logging/fatal-line.ts";
import { makeLogger, type RootLogger } from "../../platform/logging/make-logger.ts";
import type { Catalogue } from "../../kernel/catalogue.ts";
import type { ConfigWarning } from "../../kernel/config-problem.ts";
import type { Settings } from "../../kernel/settings.ts";
import { Server } from "../server/server.ts";
import { startFailure } from "./failure.ts";

/** What a server is run with. */
export interface RunOptions {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  readonly warnings: readonly ConfigWarning[];
  /** Called once calls are taken; what it returns is called before the end. */
  readonly ready: (server: Server, log: Logger) => () => void;
}

const EXIT_RETRY = 75;

/** The server by its settings, until a signal ends it. Resolves with the exit code. */
export async function runServer(options: RunOptions): Promise<number> {
  const { settings, catalogue, warnings, ready } = options;
  const log = makeLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    clock: systemClock,
    bytesPerSecond: settings.limits.logBytesPerSecond,
  });
  for (const { key, message } of warnings) log.warn("config.warning", { key, message });
  const ending = new Ending(log);
  let server: Server;
  try {
    const actors = settings.actors.map((path) => resolve(path));
    server = new Server({ settings, catalogue, log, actors, stop: () => ending.begin("api") });
    await server.start();
  } catch (error) {
    return await fail(error, log);
  }
  log.info("node.ready", { url: server.url, admin_port: server.adminPort, node: server.nodeName });
  const finish = ready(server, log);
  await ending.begun;
  finish();
  const stopped = await Promise.race([server.stop(), ending.repeated]);
  await log.flush();
  return stopped ? 0 : EXIT_RETRY;
}

async function fail(error: unknown, log: RootLogger): Promise<number> {
  const fatal = startFailure(error);
  if (fatal.reason === "bug") log.error("start.failed", { error });
  await log.flush();
  printFatal(fatal);
  return fatal.exit;
}

/** The first signal ends the process gracefully, the second one at once. */
class Ending {
  readonly begun: Promise<void>;
  /** Resolves false when a second signal comes. */
  readonly repeated: Promise<boolean>;
  #begin: () => void = () => undefined;
  #repeat: () => void = () => undefined;
  #signals = 0;

  constructor(log: Logger) {
    this.begun = new Promise((settle) => {
      this.#begin = settle;
    });
    this.repeated = new Promise((settle) => {
      this.#repeat = () => settle(false);
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        log.info("signal", { signal });
        this.begin(signal);
      });
    }
  }

  begin(_by: string): void {
    this.#signals += 1;
    if (this.#signals === 1) this.#begin();
    else this.#repeat();
  }
}
