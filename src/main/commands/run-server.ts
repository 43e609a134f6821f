import { resolve } from "node:path";
import process from "node:process";
import type { Logger } from "../../node/ports.ts";
import { systemClock } from "../../platform/clock.ts";
import { printFatal } from "../../platform/logging/fatal-line.ts";
import { makeLogger, type RootLogger } from "../../platform/logging/make-logger.ts";
import type { Catalogue } from "../../kernel/catalogue.ts";
import type { ConfigWarning } from "../../kernel/config-problem.ts";
import type { Settings } from "../../kernel/settings.ts";
import { EXIT } from "../cli/exit-code.ts";
import { repeatInsecure } from "../server/insecure-notice.ts";
import { Server } from "../server/server.ts";
import { Ending } from "./ending.ts";
import { startFailure } from "./failure.ts";
import { exitOnStrayErrors } from "./last-resort.ts";

/** What a server is run with. */
export interface RunOptions {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  readonly warnings: readonly ConfigWarning[];
  /** Called once calls are taken; what it returns is called before the end. */
  readonly ready: (server: Server, log: Logger) => () => void;
}

/** Files of the server are its owner's alone: state, keys, identity. */
const UMASK = 0o077;
const FLUSH_MS = 1_000;

/**
 * The server by its settings, until a signal ends it. Resolves with the exit code: 0 after a clean
 * end, 75 if turns were cut short, 76 if another process has taken the node's name. The process is to exit with it whatever may still be running.
 */
export async function runServer(options: RunOptions): Promise<number> {
  const { settings, catalogue, warnings, ready } = options;
  process.umask(UMASK);
  const log = makeLogger({
    level: settings.logLevel,
    format: settings.logFormat,
    clock: systemClock,
    bytesPerSecond: settings.limits.logBytesPerSecond,
  });
  exitOnStrayErrors(log);
  for (const { key, message } of warnings) log.warn("config.warning", { key, message });
  const ending = new Ending(log);
  const forced = ending.forced.then(() => false);
  if (settings.stopWithStdin) process.stdin.resume().once("close", () => ending.begin());
  let server: Server;
  try {
    const actors = settings.actors.map((path) => resolve(path));
    server = new Server({ settings, catalogue, log, actors, stop: () => ending.begin() });
    const started = await Promise.race([server.start().then(() => true), forced]);
    if (!started) return await endWith(EXIT.retry, log);
  } catch (error) {
    return await fail(error, log);
  }
  log.info("node.ready", { url: server.url, admin_port: server.adminPort, node: server.nodeName });
  const finish = ready(server, log);
  const quiet = repeatInsecure(warnings, systemClock, log);
  await ending.begun;
  finish();
  quiet();
  const clean = await Promise.race([server.stop(), forced]);
  if (server.evicted) return endWith(EXIT.evicted, log);
  return endWith(clean ? EXIT.ok : EXIT.retry, log);
}

async function endWith(exit: number, log: RootLogger): Promise<number> {
  if (exit === EXIT.retry) log.warn("node.cut_short", { exit });
  await flushed(log);
  return exit;
}

async function fail(error: unknown, log: RootLogger): Promise<number> {
  const fatal = startFailure(error);
  if (fatal.reason === "bug") log.error("start.failed", { error });
  await flushed(log);
  printFatal(fatal);
  return fatal.exit;
}

/** Waits for the log to leave, but not for a reader that stands still. */
async function flushed(log: RootLogger): Promise<void> {
  const late = new Promise<void>((resolve) => systemClock.setTimer(FLUSH_MS, resolve));
  await Promise.race([log.flush(), late]);
}
