import process from "node:process";
import { printFatal } from "../../platform/logging/fatal-line.ts";
import type { RootLogger } from "../../platform/logging/make-logger.ts";
import { EXIT } from "../cli/exit-code.ts";

/** What is waited for the log to leave the process before it ends. */
const FLUSH_MS = 1_000;

/**
 * Ends the process, with a log line and a fatal line, when an error reached nobody: what it left
 * behind is unknown, and what was acknowledged is on disk. Never silent, never going on.
 */
export function exitOnStrayErrors(log: RootLogger): void {
  // While plug-ins start, `process.exit` is kept from them; ours is the one from before.
  const exitProcess: (code: number) => never = process.exit;
  const end = (event: "exception" | "rejection") => (error: unknown) => {
    log.error("process.stray_error", { kind: event, error });
    const hint = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const exit = (): never => {
      printFatal({ event: "process", exit: EXIT.bug, key: "", reason: event, hint });
      exitProcess(EXIT.bug);
    };
    // A second error meanwhile must not wait for the first to be written.
    process.removeAllListeners("uncaughtException").on("uncaughtException", exit);
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", exit);
    setTimeout(exit, FLUSH_MS);
    void log.flush().then(exit, exit);
  };
  process.on("uncaughtException", end("exception"));
  process.on("unhandledRejection", end("rejection"));
}
