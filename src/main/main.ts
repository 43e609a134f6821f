import process from "node:process";
import { systemClock } from "../platform/clock.ts";
import { processTerminal } from "./cli/terminal.ts";
import { runProgram } from "./program.ts";

/** A server does not wait longer than this for someone to read what it said. */
const SERVER_FLUSH_MS = 1_000;

// While plug-ins start, `process.exit` is kept from them; ours is the one from before.
const exit: (code: number) => never = process.exit;
const parameters = process.argv.slice(2);
const terminal = processTerminal();
const code = await runProgram(parameters, terminal);
const flushed = Promise.all([terminal.out.flushed(), terminal.err.flushed()]);
if (parameters.includes("serve") || parameters.includes("dev")) {
  const late = new Promise<void>((resolve) => systemClock.setTimer(SERVER_FLUSH_MS, resolve));
  await Promise.race([flushed, late]);
} else {
  await flushed;
}
// Whatever still runs (turns cut short, open sockets) ends here.
exit(code);
