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

/** Writes the line to standard error before it returns, so that an exit may follow at once. */
export function printFatal(fatal: Fatal): void {
  const bytes = new TextEncoder().encode(fatalLine(fatal, process.stderr.isTTY === true));
  let written = 0;
  // A pipe that is full takes part of it or nothing; whoever reads nothing at all is not waited for.
  for (let tries = 0; written < bytes.length && tries < 1_000; tries += 1) {
    try {
      written += writeSync(process.stderr.fd, bytes, written);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
    }
  }
}
