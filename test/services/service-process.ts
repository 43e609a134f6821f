import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "../support/wait-until.ts";
import type { Program, ServiceKind } from "./service-kinds.ts";

const STOP_MS = 15_000;
const SETPRIV = "/usr/bin/setpriv";

/** Starts a program under the account that it wants; what it says goes to the file `log`. */
export function startProgram(program: Program, log: string): ChildProcess {
  const isRoot = process.getuid?.() === 0;
  // The kernel ends the service if this process is killed; servers that refuse root get their account.
  const account =
    isRoot && program.user !== undefined
      ? [`--reuid=${program.user}`, `--regid=${program.user}`, "--init-groups"]
      : [];
  const wrapper = existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig=KILL", ...account, "--"] : [];
  const [path = program.path, ...parameters] = [...wrapper, program.path, ...program.parameters];
  const output = openSync(log, "a");
  try {
    const environment = { ...process.env, ...program.environment };
    return spawn(path, parameters, {
      stdio: ["ignore", output, output],
      env: environment,
      cwd: "/",
    });
  } finally {
    closeSync(output);
  }
}

export const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

/** Asks it to end, and then makes it. */
export async function endProgram(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.kill("SIGTERM");
  await waitUntil("a service ends", () => hasEnded(child), STOP_MS).catch(() =>
    child.kill("SIGKILL"),
  );
}

/** A new folder for the data of one service. */
export function privateFolder(kind: ServiceKind): string {
  const folder = mkdtempSync(join(tmpdir(), `troupe-${kind.name.toLowerCase()}-`));
  // Its own account must reach it; nothing in it is worth hiding from the users of a test machine.
  chmodSync(folder, 0o777);
  return folder;
}
