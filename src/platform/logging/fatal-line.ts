import { writeSync } from "node:fs";
import process from "node:process";

/** Why the process ends, as its last line says it. */
export interface Fatal {
  /** What it was doing, e.g. `config` or `listen`. */
  readonly event: string;
  /** The code it exits with. */
  readonly exit: number;
  /** The setting, file or plug-in that is the matter; "" for none. */
  readonly key: string;
  /** One word for machines, e.g. `conflict`. */
  readonly reason: string;
  /** One sentence that says what to do. */
  readonly hint: string;
}

/** The last line of a process that cannot go on: one line of JSON, or text for a terminal. */
export function fatalLine(fatal: Fatal, terminal: boolean): string {
  const { event, exit, key, reason, hint } = fatal;
  if (!terminal) return `${JSON.stringify({ level: "fatal", event, exit, key, reason, hint })}\n`;
  const subject = key === "" ? event : `${event}: ${key}`;
  return `troupe: ${subject}: ${reason}${hint === "" ? "" : `; ${hint}`}\n`;
}

const TRIES = 200;
const TRY_MS = 5;

/**
 * Writes the line to standard error before it returns, so that an exit may follow at once. Flush the
 * log first: its lines are written in the background. A reader that takes nothing for a second is
 * not waited for.
 */
export function printFatal(fatal: Fatal): void {
  const bytes = new TextEncoder().encode(fatalLine(fatal, process.stderr.isTTY === true));
  let written = 0;
  for (let tries = 0; written < bytes.length && tries < TRIES; tries += 1) {
    try {
      written += writeSync(process.stderr.fd, bytes, written);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      // The pipe is full. Nothing else of the process is to run any more, so the thread may wait.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRY_MS);
    }
  }
}
